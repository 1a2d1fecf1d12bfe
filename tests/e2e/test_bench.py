"""`make bench` measures every case and prints its table; no speed is ever asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.cases import CASES

ROOT = Path(__file__).parents[2]


def test_it_measures_every_case_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", "--seconds=0.05", "--rounds=2", f"--json={file}"]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr
    assert "share" in ran.stdout
    results = json.loads(file.read_text())["results"]
    assert [result["name"] for result in results] == [case.name for case in CASES]
    for result in results:
        assert len(result["ratios"]) == 2
        assert result["name"] in ran.stdout
        assert result["api_per_second"] > 0
        assert result["ceiling_per_second"] > 0
    assert ran.stderr == ""


def test_a_name_that_fits_no_case_is_answered_with_the_names_there_are() -> None:
    command = [sys.executable, "-m", "bench", "--only=nothing"]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert ran.returncode == 1
    for case in CASES:
        assert case.name in ran.stdout + ran.stderr
