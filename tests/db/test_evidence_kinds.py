"""Evidence of every kind: what its bytes are counts, and a recording says how long it lasts."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from tests.db.evidence_harness import ADD, EvidenceHarness, announcement
from tests.unit.features import photos, recordings
from tests.unit.features.heic import heic
from tests.unit.features.pdfs import pdf

JPEG, PNG, PDF, TEXT = "image/jpeg", "image/png", "application/pdf", "text/plain"
LETTER = "Kia ora, e hoa mā.\n".encode()


@pytest.mark.parametrize(
    ("data", "said", "name", "served"),
    [
        (photos.photo("PNG"), PDF, "kete.pdf", (PNG, "kete.png")),
        (photos.photo("JPEG"), "image/jpg", "kete", (JPEG, "kete.jpg")),
        (photos.photo("JPEG"), "", "IMG_1.HEIC", (JPEG, "IMG_1.jpg")),
        (photos.animation("PNG"), "image/apng", "kete.apng", (PNG, "kete.apng.png")),
        (heic(turn=1), "image/heif", "IMG_2.HEIC", (JPEG, "IMG_2.jpg")),
        ("Kōrero\r\n".encode("utf-16"), TEXT, "kōrero.txt", (TEXT, "kōrero.txt")),
        (b"\r\n \n" + pdf(), "application/x-pdf", "plan.pdf", (PDF, "plan.pdf")),
        (recordings.mp4(), JPEG, "Haka.MOV", ("video/mp4", "Haka.mp4")),
    ],
)
async def test_what_a_file_is_counts_and_not_what_it_was_called(
    harness: EvidenceHarness, data: bytes, said: str, name: str, served: tuple[str, str]
) -> None:
    ready = await harness.hand_in(data, said, fileName=name)
    assert (ready["state"], ready["rejection"]) == ("READY", None)
    assert (ready["mediaType"], ready["fileName"]) == served
    row = await harness.row(ready["id"])
    info = await harness.store.describe(row["object_key"])
    assert info is not None
    assert info.media_type == served[0]
    content = await harness.content(row["object_key"])
    assert (ready["bytes"], ready["sha256"]) == (len(content), sha256(content).hexdigest())
    assert photos.PLACE not in content
    if served[0] == TEXT:
        assert content == "Kōrero\r\n".encode()
    await harness.audit()


@pytest.mark.parametrize(
    ("data", "said", "seconds"),
    [
        (recordings.mp4(recordings.SOUND, brand=b"M4A "), "audio/mp4", 3),
        (recordings.mp4(brand=b"qt  "), "video/quicktime", 3),
        (recordings.webm(), "video/webm", 2),
        (recordings.webm(video=False), "audio/webm", 2),
        (recordings.ogg(), "audio/ogg", 3),
        (recordings.mp3(), "audio/mpeg", 2),
        (recordings.wav(), "audio/wav", 2),
    ],
)
async def test_a_recording_says_how_long_it_lasts(
    harness: EvidenceHarness, data: bytes, said: str, seconds: int
) -> None:
    ready = await harness.hand_in(data, said)
    assert (ready["state"], ready["mediaType"], ready["seconds"]) == ("READY", said, seconds)
    assert ready["thumbnailUrl"] is None
    content = await harness.content((await harness.row(ready["id"]))["object_key"])
    assert [trace for trace in recordings.TRACES if trace in content] == []
    await harness.audit()


async def test_a_recording_may_be_larger_but_not_longer_than_is_allowed(
    harness: EvidenceHarness,
) -> None:
    film = recordings.mp4()
    harness.settings = replace(
        harness.settings,
        evidence_max_bytes=len(film) - 1,
        evidence_max_media_bytes=len(film),
        evidence_max_media_seconds=3,
    )
    assert (await harness.hand_in(film, "video/mp4"))["state"] == "READY"
    harness.settings = replace(harness.settings, evidence_max_media_seconds=2)
    refused = await harness.hand_in(film, "video/mp4")
    assert refused["rejection"] == (
        "The recording lasts 0:03. Shorten it, to 0:02 at most, and add it again."
    )
    # A file that is not a recording may not hide behind the type of one.
    letter = LETTER * (len(film) // len(LETTER))
    harness.settings = replace(harness.settings, evidence_max_bytes=len(letter) - 1)
    refused = await harness.hand_in(letter, "")
    assert "The file is too large: plain text may have 0 MB at most." in refused["rejection"]
    error = await harness.refuse(ADD, i=announcement(film + b"!", "video/mp4"))
    assert error["extensions"]["field"] == "input.bytes"
    error = await harness.refuse(ADD, i=announcement(film, JPEG))
    assert error["extensions"]["field"] == "input.bytes"
