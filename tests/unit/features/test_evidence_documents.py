"""Documents are looked at in a process of their own, which is bounded and knows no secrets."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from poutama.errors import UnavailableError
from poutama.features.evidence import document_process, isolation
from poutama.features.evidence.documents import DOCUMENT_TYPES
from poutama.features.evidence.isolation import DocumentProcessError, clean_apart
from poutama.features.evidence.types import DOCX, FILE_TYPES, PDF, TEXT, WEBM_AUDIO, UnfitFileError
from poutama.isolated_process import make_environment
from tests.unit.features.office import archive, office
from tests.unit.features.pdfs import pdf


def write(tmp_path: Path, data: bytes) -> tuple[Path, Path]:
    source = tmp_path / "source"
    source.write_bytes(data)
    return source, tmp_path / "target"


def test_every_document_is_looked_at() -> None:
    pictures = {name for name, type_ in FILE_TYPES.items() if type_.picture}
    assert {*pictures, *DOCUMENT_TYPES, TEXT.media_type} <= FILE_TYPES.keys()
    # A WebM file is looked at as one with video; without, it is served as what it is.
    assert FILE_TYPES.keys() - {*pictures, *DOCUMENT_TYPES, TEXT.media_type} == {
        WEBM_AUDIO.media_type
    }


def test_a_document_is_written_and_one_that_harms_is_explained(tmp_path: Path) -> None:
    source, target = write(tmp_path, pdf())
    clean_apart(source, target, PDF.media_type)
    assert target.read_bytes().startswith(b"%PDF-")
    source, target = write(tmp_path, archive(office(more={"word/vbaProject.bin": b""})))
    with pytest.raises(UnfitFileError) as caught:
        clean_apart(source, target, DOCX.media_type)
    assert caught.value.message == (
        "The document holds macros; save it without them and add it again."
    )


def test_the_process_knows_no_secret() -> None:
    own = {"PATH": "/bin", "AWS_SESSION_TOKEN": "a", "POUTAMA_DATABASE_URL": "b", "HOME": "/root"}
    assert make_environment(own).keys() == {"PATH", "PYTHONPATH", "PYTHONUTF8"}


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(2_000_000_000)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 5))\nwhile True: pass",
        "import os; os.abort()",
        "def f(n): return f(n + 1)\nf(0)",
        "open('large', 'wb').truncate(600_000_000)",
    ],
)
def test_a_document_that_takes_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = tmp_path / "hostile.py"
    hostile.write_text(
        "from poutama.features.evidence import document_process as p\n"
        f"def clean(*words):\n    exec({code!r}, {{}})\n"
        "p.clean_document = clean\nraise SystemExit(p.run_document_process(['a', 'b', 'c']))\n"
    )
    run_instead(monkeypatch, str(hostile))
    with pytest.raises(UnfitFileError, match="too large or too complicated"):
        clean_apart(tmp_path, tmp_path, PDF.media_type)


def run_instead(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    run = subprocess.run

    def run_other(command: list[str], **options: object) -> object:
        return run([sys.executable, *words], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run_other)


def test_a_fault_of_ours_is_no_fault_of_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(monkeypatch, "-c", "raise ImportError('pikepdf')")
    with pytest.raises(DocumentProcessError, match="ended with 1: ImportError: pikepdf"):
        clean_apart(tmp_path, tmp_path, PDF.media_type)
    run_instead(monkeypatch, "-c", "input()")
    monkeypatch.setattr(isolation, "SECONDS", 0.0)
    with pytest.raises(UnavailableError):
        clean_apart(tmp_path, tmp_path, PDF.media_type)


def test_the_process_is_started_without_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    code = "import os; raise SystemExit(str(os.environ.get('AWS_SESSION_TOKEN')))"
    run_instead(monkeypatch, "-c", code)
    with pytest.raises(DocumentProcessError, match="ended with 1: None"):
        clean_apart(tmp_path, tmp_path, PDF.media_type)


def test_the_limits_are_set_before_the_document_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    monkeypatch.setattr(resource, "setrlimit", lambda *words: events.append("limit"))
    monkeypatch.setattr(document_process, "clean_document", lambda *words: events.append("clean"))
    assert document_process.run_document_process(["a", "b", PDF.media_type]) == 0
    assert events == ["limit"] * 4 + ["clean"]
