"""School terms, as `terms.toml` has them; the one place where their dates stand.

Called by `demo.calendar`. Reads the file once, and no clock.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

TERMS_A_YEAR = 4


class Term(NamedTuple):
    """A school term: its first and its last day."""

    start: date
    end: date


class SchoolYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The terms of one year; `estimated` where no official source was at hand."""

    year: int
    terms: tuple[Term, Term, Term, Term]
    estimated: bool = False


class TermDates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds: years in their order, and the one that the demo school is of."""

    school_year: int
    years: tuple[SchoolYear, ...]

    def terms_from(self, year: int) -> tuple[Term, ...]:
        """Every term from the first of that year on.

        Raises:
            ValueError: the dates of that year, or those of the year after, are not known.
        """
        found = tuple(term for each in self.years if each.year >= year for term in each.terms)
        known = {each.year for each in self.years}
        if not {year, year + 1} <= known:
            raise ValueError(f"terms.toml: expected dates of {year} and {year + 1}, got {known}")
        return found

    @property
    def last_day(self) -> date:
        """The last day that is known to be in a term."""
        return max(term.end for year in self.years for term in year.terms)


@cache
def load_terms() -> TermDates:
    """Read the file.

    Raises:
        msgspec.ValidationError: it is not as `TermDates` says; names the place.
    """
    text = files("poutama.demo").joinpath("terms.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), TermDates)
