"""Where the objects of a piece of evidence lie: all under one stem, each always under the same key.

So that code that deletes evidence can name every object that it has or may yet get.
"""

from __future__ import annotations


def upload_key(stem: str) -> str:
    """Where the student puts the file."""
    return f"{stem}/upload"


def object_key(stem: str) -> str:
    """Where the file is that is served."""
    return f"{stem}/file"


def thumbnail_key(stem: str) -> str:
    """Where a picture's thumbnail is."""
    return f"{stem}/thumbnail"


def every_key(stem: str) -> tuple[str, ...]:
    """All three, whether something is there or not."""
    return (upload_key(stem), object_key(stem), thumbnail_key(stem))


EVIDENCE_KEYS = """
SELECT e.stem || k.part AS key
FROM evidence AS e JOIN goal AS g ON g.id = e.goal_id,
    (VALUES ('/upload'), ('/file'), ('/thumbnail')) AS k (part)
WHERE g.person_id = $1::uuid
"""
"""The keys of everything on a person's goals, as `every_key` has them."""
