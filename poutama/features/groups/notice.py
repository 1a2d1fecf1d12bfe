"""The notice: what accepting a membership shares, and with whom, in plain sentences.

An invitation shows it, and a consent keeps it as it was shown. Called by the procedures of this
feature, and for each `Invitation` that is read. Pure; it decides nothing: who sees what is declared
beside the types, and a test holds these sentences to that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from poutama.unicode_data import category

NOTICE_VERSION = "2026-11"
"""Of the sentences below: a change of what they promise is a new version."""

# Letters, numbers and their marks, and these; what is not on the list may look like the end of a
# quotation, as many signs and letters of other scripts do.
_PUNCTUATION = frozenset(" -.,:;!?&/()+#@%*'·…")
# Letters of the Pacific that look like apostrophes (https://www.unicode.org/charts/PDF/U02B0.pdf);
# others that only modify a letter look like quotation marks.
_MODIFIERS = frozenset("ʻʼ")
_MODIFIER_BLOCK = range(0x2B0, 0x300)
# Two apostrophes look like a quotation mark, and so does what two marks above a space make.
_APOSTROPHES = re.compile("(['ʻʼ])['ʻʼ]+")
# 128 bits: those who found an organisation choose its names, and look for two with one version.
_VERSION_DIGITS = 32
_GOALS = "your goals with their tasks, notes and files"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a membership is, in the words of its invitation."""

    role: str
    organisation: str
    verified: bool
    group: str | None = None


def describe_sharing(offer: Offer) -> list[str]:
    """What accepting shares, a sentence for each who will see something."""
    organisation = _quote(offer.organisation)
    leaders = f"The managers and administrators of {organisation}"
    sentences = [] if offer.verified else [_warn(organisation)]
    match offer.role:
        case "STUDENT":
            group = _quote(offer.group or "")
            sentences += [
                f"The mentors of the group {group} see your name and read {_GOALS}.",
                f"{leaders} see your name and your email address. They read your goals only after"
                " opening your record with a reason, which you see.",
                f"Caregivers in {organisation} whom you or a second adult there has confirmed see"
                f" your name and read {_GOALS}.",
            ]
        case "MENTOR":
            sentences += [
                f"The students of the group {_quote(offer.group or '')} see your name.",
                f"{leaders} see your name and your email address.",
            ]
        case "CAREGIVER":
            sentences += [
                f"The student and {leaders[0].lower()}{leaders[1:]} see your name.",
                f"You read the student's goals once the student or a second adult of {organisation}"
                " has confirmed you.",
            ]
        case _:
            sentences.append(f"{leaders} see your name and your email address.")
    if offer.role != "STUDENT":
        sentences.append("When you read a student's goals, the student sees that you did.")
    sentences.append("You can end this at any time; sharing ends at once.")
    return sentences


def name_version(offer: Offer) -> str:
    """The version of the sentences as they are shown, names included; 40 characters."""
    sentences = "\n".join(describe_sharing(offer))
    return f"{NOTICE_VERSION}-{sha256(sentences.encode()).hexdigest()[:_VERSION_DIGITS]}"


def _warn(organisation: str) -> str:
    return (
        f"{organisation} is not verified: no one has checked that it is the school or organisation"
        " that its name says. Accept only if you know the people who run it."
    )


def _quote(name: str) -> str:
    """A name as part of a sentence, which it cannot end, without characters that set an order."""
    shown = ""
    for character in name:
        shown += _show(character, after=shown[-1:])
    plain = _APOSTROPHES.sub(r"\1", " ".join(shown.split()))
    return f"“{plain}”"


def _show(character: str, *, after: str) -> str:
    """The character; single quotation marks by an apostrophe, what may end a quotation by a space,
    what shows nothing alone by nothing.
    """
    if character in _PUNCTUATION or character in _MODIFIERS:
        return character
    if character in "‘’":
        return "'"
    match category(character):
        case "Cc" | "Cf" if not character.isspace():
            return ""
        case "Mn" | "Mc" | "Me":
            return character if category(after or " ")[0] in "LMN" else ""
        case kind if kind[0] in "LN" and ord(character) not in _MODIFIER_BLOCK:
            return character
        case _:
            return " "
