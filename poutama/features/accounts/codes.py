"""Account codes: what they look like, and what is kept of them.

Called by the procedures. Pure. A code has 125 random bits, in 25 letters and digits of Crockford's
base 32 (https://www.crockford.com/base32.html): children type it, so that letters which are read
for one another count as the same. Its SHA-256 digest is kept; with so many random bits no slower
one is needed.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 25
GROUP = 5

_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def new_code() -> str:
    """A code as it is printed: five groups of five."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def digest_of(code: str) -> str:
    """What is kept of a code, however it was typed."""
    return sha256(code.upper().translate(_READ_AS).encode()).hexdigest()
