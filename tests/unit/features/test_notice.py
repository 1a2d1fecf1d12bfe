"""The notice: sentences that no name can end, and a version that names them."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from poutama.features.groups.notice import NOTICE_VERSION, Offer, describe_sharing, name_version

ROLES = ("STUDENT", "MENTOR", "MENTOR_MANAGER", "ADMIN", "CAREGIVER")
QUOTATION = "\"'«»‘’‚‛“”„‟‹›⹂「」『』〝〞〟﹁﹂﹃﹄＂＇｢｣″ʺˮ"
"""Unicode's Quotation_Mark, and what looks like one of them."""
LOOK_ALIKES = "\u275e\u275d\U0001f677\u02ee\u05f4\u3003\u2036\u02dd`\u00b4\u02ba"
"""Signs and letters that end a quotation for who reads them."""
NAMES = st.text(max_size=30) | st.text(
    QUOTATION + LOOK_ALIKES + ". a\n\u030b\u02bc\u02bb\u200b\u202e\x00\u2028", max_size=12
)


def describe(name: str, role: str) -> str:
    return "\n".join(describe_sharing(Offer(role, name, verified=False, group=name)))


@pytest.mark.parametrize("role", ROLES)
@given(name=NAMES)
@example(name="Kura”. You share nothing with anyone. This is “a test")
@example(name="Te Awa\u275e see nothing at all. You share nothing. The group \u275dX")
@example(name="A'\u200b'. You share nothing. ''B")
def test_a_name_ends_no_sentence(role: str, name: str) -> None:
    """Whatever the name, each place of it has one opening and one closing mark, at its ends."""
    expected, shown = describe("x", role), describe(name, role)
    before, *between = expected.split("“x”")
    (named, *again) = {part.partition("”")[0] for part in shown.removeprefix(before).split("“")[1:]}
    assert again == []
    assert shown == before + "".join(f"“{named}”{rest}" for rest in between)
    assert not set(named) & (set(QUOTATION + LOOK_ALIKES) - {"'"})
    assert not re.search("['ʻʼ]{2}| [\u0300-\u036f]", named)
    assert {unicodedata.category(each)[0] for each in named.replace("+", "")} <= set("LMNPZ")
    assert not {unicodedata.category(each) for each in named} & {"Cc", "Cf", "Zl", "Zp"}


def test_each_quotation_mark_and_each_format_character_is_replaced() -> None:
    special = ("Pi", "Pf", "Cc", "Cf", "Zl", "Zp")
    kept = [
        f"U+{ord(each):04X}"
        for each in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(each) in special or each in QUOTATION
        if not any(f"“{name}”" in describe(f"a{each}b", "ADMIN") for name in ("ab", "a b", "a'b"))
    ]
    assert kept == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Te Kura o Tīrau", "“Te Kura o Tīrau”"),
        ("St Mary’s “Blue” school (Year 9 & 10)", "“St Mary's Blue school (Year 9 & 10)”"),
        ("Te Awa❞ see nothing. The group ❝X", "“Te Awa see nothing. The group X”"),
        ("Hawaiʻi, Tāmaki-makaurau", "“Hawaiʻi, Tāmaki-makaurau”"),
        ("हिन्दी ไทย 日本", "“हिन्दी ไทย 日本”"),
        ("  two\n lines ", "“two lines”"),
        ("نام", "“نام”"),
    ],
)
def test_a_name_is_shown_as_it_is_read(name: str, shown: str) -> None:
    assert shown in describe(name, "ADMIN")


def test_the_version_is_that_of_the_sentences() -> None:
    """Other sentences have another, and the same ones the same."""
    offers = [
        Offer(role, organisation, verified=verified, group=group)
        for role in ROLES
        for organisation in ("Kura", "Kura 2")
        for verified in (False, True)
        for group in ("Class 1", "Class 2")
    ]
    versions = {name_version(offer): describe_sharing(offer) for offer in offers}
    assert len(versions) == len({"\n".join(each) for each in versions.values()})
    assert all(versions[name_version(offer)] == describe_sharing(offer) for offer in offers)
    assert all(each.startswith(f"{NOTICE_VERSION}-") and len(each) <= 100 for each in versions)
