"""`poutama up` as a person meets it: a real process, its own data folder, its own free port."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.e2e.up_process import ask, run, servers_of, token_for, up, without_notices

ADD = """
mutation Add($title: String!) {
  createGoal(input: {goalType: ACADEMIC, title: $title, information: ""}) { goal { id title } }
}
"""


def test_it_answers_stops_cleanly_and_keeps_its_data(data_folder: Path) -> None:
    home = data_folder / "home"
    # GIVEN a first run, in which a student adds a goal
    with up(home) as first:
        address = first.wait_until_ready()
        assert httpx.get(f"{address}/healthz").status_code == 200
        page = httpx.get(f"{address}/graphiql")
        assert page.status_code == 200
        assert "<html" in page.text
        assert "server" not in page.headers
        token = token_for(home)
        goals = ask(address, token, "{ goals { id title tasks { information } } }")["goals"]
        assert len(goals) == 12
        assert len(goals[0]["tasks"]) == 5
        made = ask(address, token, ADD, title="Ngā whetū")["createGoal"]["goal"]
        assert first.end(signal.SIGTERM) == 0
    assert servers_of(home) == []
    assert "\x1b" not in first.said
    assert "Traceback" not in first.said
    # THEN a second run has it still, and does not make the school again
    with up(home) as second:
        address = second.wait_until_ready()
        found = ask(
            address, token, "query One($id: UUID) { goals(goalId: $id) { title } }", id=made["id"]
        )
        assert found["goals"] == [{"title": "Ngā whetū"}]
        assert re.search(r"demo school +there already", second.said)
        assert second.end(signal.SIGINT) == 0
    assert servers_of(home) == []


@pytest.mark.parametrize(
    "signals",
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGINT, signal.SIGTERM),
        (signal.SIGHUP,),
    ],
    ids=lambda signals: "+".join(number.name for number in signals),
)
def test_pressing_ctrl_c_again_leaves_nothing_behind(
    data_folder: Path, signals: tuple[signal.Signals, ...]
) -> None:
    with up(data_folder / "home") as running:
        running.wait_until_ready()
        assert running.end(*signals) == 0
    assert servers_of(data_folder / "home") == []
    assert "Traceback" not in running.said


@pytest.mark.parametrize("step", ["environment", "database", "migrations", "demo school"])
def test_it_can_be_stopped_while_it_starts(data_folder: Path, step: str) -> None:
    home = data_folder / "home"
    with up(home) as running:
        running.wait_for(f"^ok ({step})")
        assert running.end(signal.SIGINT) == 0
    assert servers_of(home) == []
    assert "Traceback" not in running.said
    # THEN what was left half done does not get in the way
    with up(home) as again:
        again.wait_until_ready()


def test_after_kill_9_it_starts_again(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home) as killed:
        killed.wait_until_ready()
        killed.process.kill()
        killed.process.wait()
    orphans = servers_of(home)
    assert orphans
    with up(home) as running:
        running.wait_until_ready()
        assert not {process.pid for process in orphans} & {p.pid for p in servers_of(home)}
        assert running.end(signal.SIGTERM) == 0
    assert servers_of(home) == []


def complaint(result: subprocess.CompletedProcess[str]) -> str:
    """What it said on stderr: one line, and nothing else anywhere about a crash."""
    assert result.returncode == 1
    assert "Traceback" not in result.stdout
    said = without_notices(result.stderr)
    assert said.count("\n") == 1, result.stderr
    return said.strip()


def test_a_port_in_use_is_said_first(data_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = complaint(run(data_folder / "home", "up", PORT=str(port)))
    assert said.startswith(f"poutama: port {port} is in use: choose another")
    assert not (data_folder / "home").exists()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PORT", "http", "poutama: PORT: expected a whole number"),
        ("PORT", "70000", "poutama: port: expected a number from 0 to 65535, got 70000"),
        ("POUTAMA_HOST", "0.0.0.0", "poutama: POUTAMA_HOST: expected an address of this machine"),
        ("POUTAMA_DATABASE_URL", "nonsense", "poutama: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    data_folder: Path, variable: str, value: str, expected: str
) -> None:
    assert complaint(run(data_folder / "home", "up", **{variable: value})).startswith(expected)


def test_a_home_that_is_a_file_is_refused(data_folder: Path) -> None:
    (data_folder / "home").write_text("a file")
    said = complaint(run(data_folder / "home", "up"))
    assert "cannot be used as the data folder" in said


def test_a_broken_data_folder_is_refused(data_folder: Path) -> None:
    data = data_folder / "home" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "holiday.txt").write_text("not a database")
    assert "expected a data folder of PostgreSQL" in complaint(run(data_folder / "home", "up"))


def test_one_home_has_one_owner_and_everyone_may_ask_it(data_folder: Path) -> None:
    home = data_folder / "home"
    with up(home) as running:
        running.wait_until_ready()
        assert "in use by another Poutama" in complaint(run(home, "up"))
        assert token_for(home).count(".") == 2
        assert run(home, "migrate").stdout == "up to date\n"
        # THEN asking has not stopped it
        assert running.process.poll() is None
        assert running.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("command", ["features", "migrate"])
def test_a_database_host_that_is_not_found_is_not_a_database_without_tables(
    data_folder: Path, command: str
) -> None:
    url = "postgresql://poutama@host.invalid/poutama"
    result = run(data_folder / "home", command, POUTAMA_DATABASE_URL=url)
    assert complaint(result) == "poutama: POUTAMA_DATABASE_URL: host not found; check its name."
    assert result.stdout == ""


def test_a_database_that_is_away_is_named_by_its_address(data_folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"postgresql://poutama@127.0.0.1:{port}/poutama"
        said = complaint(run(data_folder / "home", "migrate", POUTAMA_DATABASE_URL=url))
    assert said.startswith("poutama: The database cannot be reached just now; try again. (")
    assert str(port) in said
    assert said.endswith("Check that it runs, and POUTAMA_DATABASE_URL.")


def test_the_other_commands_start_the_database_for_the_moment(data_folder: Path) -> None:
    home = data_folder / "home"
    without = complaint(run(home, "token", "student-0001@demo.example"))
    assert without.startswith(f"poutama: {home}: no data yet: run `make up`")
    assert "POUTAMA_HOME" in without
    assert run(home, "migrate").stdout.endswith("applied\n")
    made = run(home, "demo", "--students", "3")
    assert made.returncode == 0, made.stderr
    assert "3 students" in made.stdout
    assert token_for(home).count(".") == 2
    assert "stranger@demo.example" in complaint(run(home, "token", "stranger@demo.example"))
    assert servers_of(home) == []


def test_the_public_schema_is_printed_without_its_mapping(data_folder: Path) -> None:
    schema = run(data_folder, "schema").stdout
    assert "type Query {" in schema
    assert "goalId: UUID" in schema
    assert "@table" not in schema
    assert not (data_folder / "postgres").exists()
