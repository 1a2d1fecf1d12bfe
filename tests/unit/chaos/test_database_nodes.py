"""Commands that take nodes away: what is run, in which order, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from poutama.chaos import database_nodes
from poutama.chaos.database_nodes import CommandNodes, Commands, Outage
from poutama.chaos.run import _turns
from poutama.errors import ConfigurationError


async def test_a_command_is_given_the_node_as_one_word(tmp_path: Path) -> None:
    said = tmp_path / "said"
    cluster = CommandNodes(
        ("a b", "$HOME"),
        Commands(
            kill=f"printf 'kill %s\\n' {{node}} >> {said}",
            drain=f"printf 'drain %s\\n' {{node}} >> {said}",
            restart=f"printf 'restart %s\\n' {{node}} >> {said}",
            ready=f"printf 'ready\\n' >> {said}; test $(grep -c ready {said}) -ge 2",
        ),
    )
    database_nodes.POLL_SECONDS, before = 0.0, database_nodes.POLL_SECONDS
    try:
        await cluster.stop_node("a b", Outage.KILL)
        await cluster.start_node("a b")
        await cluster.stop_node("$HOME", Outage.DRAIN)
    finally:
        database_nodes.POLL_SECONDS = before
    assert said.read_text().splitlines() == [
        "kill a b",
        "restart a b",
        "ready",
        "ready",
        "drain $HOME",
    ]


async def test_without_a_restart_command_another_person_brings_it_back(tmp_path: Path) -> None:
    said = tmp_path / "said"
    await CommandNodes(("a",), Commands(kill=f"echo kill >> {said}")).start_node("a")
    assert not said.exists()


async def test_a_command_that_fails_ends_the_run() -> None:
    cluster = CommandNodes(("a",), Commands(kill="exit 3", ready="false"))
    with pytest.raises(ConfigurationError, match="failed with status 3"):
        await cluster.stop_node("a", Outage.KILL)


async def test_a_node_that_does_not_come_back_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_nodes, "COMMAND_SECONDS", 0.05)
    monkeypatch.setattr(database_nodes, "POLL_SECONDS", 0.0)
    cluster = CommandNodes(("a",), Commands(kill="true", drain="exec sleep 60", ready="false"))
    with pytest.raises(ConfigurationError, match="a: the ready command did not succeed within"):
        await cluster.start_node("a")
    with pytest.raises(ConfigurationError, match=r"a: `.*` did not end within"):
        await cluster.stop_node("a", Outage.DRAIN)


@pytest.mark.parametrize(
    ("names", "commands"), [(("a",), Commands(restart="true")), ((), Commands(kill="true"))]
)
def test_nodes_and_commands_go_together(names: tuple[str, ...], commands: Commands) -> None:
    with pytest.raises(ConfigurationError, match="--node"):
        CommandNodes(names, commands)


def test_every_node_meets_every_action_by_turns() -> None:
    for names in (("a",), ("a", "b"), ("a", "b", "c")):
        turns = _turns(CommandNodes(names, Commands(kill="true", drain="true")))
        taken = list(itertools.islice(turns, 2 * len(names)))
        assert {node for node, _ in taken[: len(names)]} == set(names)
        assert set(taken) == set(itertools.product(names, Outage))


def test_without_nodes_nothing_is_taken_away() -> None:
    assert list(_turns(CommandNodes((), Commands()))) == []
