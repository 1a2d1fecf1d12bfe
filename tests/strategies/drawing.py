"""The two ways in which everything here is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from tests.reference.policy import World

T = TypeVar("T")

NAMES = ("Kea", "kea", "Tūī", "Rua")
TEXTS = ("a", "Āe", "ae", "")
"""What is drawn for names, and for other texts: so few that many are alike."""


def chance(draw: DrawFn, percent: float) -> bool:
    """True about that often."""
    # Hypothesis likes the ends of a range and simplifies to its first, so neither is rare here.
    return (draw(st.integers(0, 999)) - 500) % 1000 < 10 * percent


def choose(draw: DrawFn, *values: T) -> T:
    """One of the values; simplifies to the first."""
    return draw(st.sampled_from(values))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Chooses by what the rows of a world are."""

    draw: DrawFn
    world: World

    def chance(self, percent: float) -> bool:
        return chance(self.draw, percent)

    def choose(self, *values: T) -> T:
        return choose(self.draw, *values)


def draw_new_id(*kinds: str) -> Callable[[Drawing], UUID | None]:
    """What draws an id that a client makes: a new one, none, or that of a row of these types."""

    def draw(drawing: Drawing) -> UUID | None:
        rows = [row["id"] for kind in kinds for row in drawing.world[kind]]
        if rows and drawing.chance(20):
            used: UUID = drawing.choose(*rows)
            return used
        return drawing.choose(None, drawing.draw(st.uuids(version=4)))

    return draw
