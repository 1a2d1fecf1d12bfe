"""The two ways in which everything here is chosen."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

T = TypeVar("T")


def chance(draw: DrawFn, percent: int) -> bool:
    """True that often; simplifies to False."""
    return draw(st.integers(0, 99)) >= 100 - percent


def choose(draw: DrawFn, *values: T) -> T:
    """One of the values; simplifies to the first."""
    return draw(st.sampled_from(values))
