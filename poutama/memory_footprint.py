"""How much memory a value takes: what bounds caches whose entries are large and differ in size.

Called when an entry is put into a cache, never when it is found there. An estimate: what entries
have in common, such as interned names, is counted for each of them. Pure.
"""

from __future__ import annotations

import sys
from enum import Enum
from gc import get_referents
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, Enum)


def measure_bytes(*values: object, shared: tuple[type, ...] = ()) -> int:
    """Return about how many bytes the values take with all they refer to.

    Args:
        values: what is measured; each object counts once.
        shared: types of objects that exist anyway, such as a schema's types: they are not
            counted, nor what is behind them. Neither is code, nor an enum's member.
    """
    skipped = (*_CODE, *shared)
    seen: set[int] = set()
    stack = list(values)
    total = 0
    while stack:
        value = stack.pop()
        if id(value) in seen or isinstance(value, skipped):
            continue
        seen.add(id(value))
        total += sys.getsizeof(value)
        stack.extend(get_referents(value))
    return total
