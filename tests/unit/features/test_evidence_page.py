"""What docs/evidence.md shows fits the schema, and lists what may be uploaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from poutama.features import load_model
from poutama.features.evidence import heif, pictures
from poutama.features.evidence.document_process import TOO_LARGE
from poutama.features.evidence.media_bytes import damaged_media, unknown_codec
from poutama.features.evidence.metadata import damaged_picture
from poutama.features.evidence.types import FILE_TYPES, explain_refusal
from poutama.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text("utf-8")
SCRIPT = re.findall(r"= `((?:mutation|query) .*?)`;", PAGE, re.DOTALL)
COMMANDS = re.findall(r'"?query\\?"?: \\?"(.*?(?:\} )+\})\\?"', PAGE)


@pytest.mark.parametrize("document", [*SCRIPT, *COMMANDS])
def test_every_document_fits_the_schema(document: str) -> None:
    named = document.replace('\\\\\\"$ID\\\\\\"', '"0b4f0c1e-0000-4000-8000-000000000001"')
    assert validate(load_model().schema, parse(named)) == []


def test_there_are_documents() -> None:
    assert (len(SCRIPT), len(COMMANDS)) == (3, 4)


def test_what_a_form_accepts_is_what_may_be_uploaded() -> None:
    (accept,) = re.findall(r'accept="(.*?)"', PAGE)
    said = {type_.media_type for type_ in FILE_TYPES.values()}
    endings = {end: type_.media_type for type_ in FILE_TYPES.values() for end in type_.endings}
    assert {endings.get(part, part) for part in accept.split(",")} == said


def test_the_limits_are_those_of_the_settings() -> None:
    settings = Settings()
    assert f"{settings.evidence_max_bytes // 1_000_000} MB" in PAGE
    assert f"{settings.evidence_max_media_bytes // 1_000_000} MB" in PAGE
    assert f"{settings.evidence_max_media_seconds} seconds" in PAGE
    assert f"up to {max(pictures._SCALES) ** 2} times" in PAGE
    assert f"a HEIC up to {heif.MAX_PIXELS // 1_000_000} million" in PAGE
    assert f"{settings.evidence_max_pixels // 1_000_000} million pixels" in PAGE
    assert f"{settings.evidence_person_files:,}" in PAGE
    assert f"{settings.evidence_person_bytes // 10**9} GB" in PAGE
    assert f"{settings.evidence_organisation_bytes // 10**9} GB" in PAGE


def test_the_refusals_are_the_sentences_that_students_read() -> None:
    refusals = (damaged_media(), unknown_codec(), damaged_picture(), explain_refusal("text/html"))
    for refusal in refusals:
        assert f"| {refusal.message} |" in PAGE
    assert TOO_LARGE in PAGE
