"""The manifest of a client's documents: appended to at each release, and never changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from poutama.engine.document_manifest import (
    PublishedDocument,
    add_release,
    hash_document,
    read_documents,
)
from poutama.engine.trusted_documents import read_trusted_documents
from poutama.errors import ConfigurationError, DocumentExpiredError
from poutama.plan.operation import GraphQLRequest

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
OLD, KEPT, NEW = "{ me { id } }", "{ goals { id } }", "{ groups { id } }"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return tmp_path / "web.jsonl"


def publish(manifest: Path, days: float, *texts: str) -> tuple[int, int, int]:
    release = manifest.with_name("release.json")
    release.write_text(json.dumps({hash_document(text): text for text in texts}))
    changes = add_release(manifest, release, MONDAY + timedelta(days=days))
    return changes.added, changes.dropped, changes.total


def dropped(manifest: Path) -> dict[str, float | None]:
    """Of each document, how many days after the first release it was dropped."""
    return {
        each.text: None if each.dropped is None else (each.dropped - MONDAY) / timedelta(days=1)
        for each in read_documents(manifest).values()
    }


def test_each_release_is_a_line_and_a_document_ages_from_the_first_release_without_it(
    manifest: Path,
) -> None:
    assert publish(manifest, 0, OLD, KEPT) == (2, 0, 2)
    first = manifest.read_bytes()
    assert dropped(manifest) == {OLD: None, KEPT: None}
    assert publish(manifest, 90, KEPT, NEW) == (1, 1, 2)
    second = manifest.read_bytes()
    assert second.startswith(first)
    assert second.count(b"\n") == 2
    assert dropped(manifest) == {OLD: 90, KEPT: None, NEW: None}
    # AND a release that changes nothing has no line, one that brings a document back has
    assert publish(manifest, 91, NEW, KEPT) == (0, 0, 2)
    assert manifest.read_bytes() == second
    assert publish(manifest, 92, OLD) == (1, 2, 1)
    assert dropped(manifest) == {OLD: None, KEPT: 92, NEW: 92}


def test_what_two_clients_have_is_served_while_one_of_them_has_it(
    manifest: Path, tmp_path: Path
) -> None:
    publish(manifest, 0, OLD)
    publish(manifest, 1, NEW)
    plain = tmp_path / "staff.json"
    plain.write_text(json.dumps({hash_document(OLD): OLD}))
    request = GraphQLRequest("", document_id=hash_document(OLD))
    with pytest.raises(DocumentExpiredError):
        read_trusted_documents(str(manifest), days=0).find(request)
    for files in (f"{manifest}, {plain}", f"{plain},{manifest}"):
        assert read_trusted_documents(files, days=0).find(request).query == OLD


def test_members_of_a_later_version_are_ignored(manifest: Path) -> None:
    publish(manifest, 0, OLD)
    line = json.loads(manifest.read_text()) | {"plans": {"a": 1}}
    manifest.write_text(json.dumps(line) + "\n")
    assert read_documents(manifest) == {hash_document(OLD): PublishedDocument(OLD)}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[]", r"web.jsonl:1: expected a JSON object, .* or a manifest"),
        (
            '{"released": "2026-03-02T09:00:00Z", "adds": {}}',
            r":1: expected a line end, got a part",
        ),
        ('{"released": "2026-03-02T09:00:00", "adds": {}}\n', r":1: expected"),
        (
            '{"released": "2026-03-02T09:00:00Z", "adds": {"a": "b"}}\n',
            r"'a': expected its .*SHA-256",
        ),
        ('{"a": "b"}', r"'a': expected its document's SHA-256, 3e23e8"),
        (
            '{"released": "2026-03-02T09:00:00Z", "drops": []}\n'
            '{"released": "2026-03-02T08:59:59Z", "drops": []}\n',
            r":2: expected a time from 2026-03-02T09:00:00Z on",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(manifest: Path, content: str, expected: str) -> None:
    manifest.write_text(content)
    with pytest.raises(ConfigurationError, match=f"^POUTAMA_TRUSTED_DOCUMENTS: .*{expected}"):
        read_trusted_documents(str(manifest), days=30)


def test_a_release_before_the_newest_is_refused_and_changes_nothing(manifest: Path) -> None:
    publish(manifest, 1, OLD)
    before = manifest.read_bytes()
    with pytest.raises(ConfigurationError, match="expected a time from"):
        publish(manifest, 0, NEW)
    assert manifest.read_bytes() == before
