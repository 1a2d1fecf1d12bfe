"""What clients did to a database while its servers were killed, and what was found afterwards.

`chaos.workload` records operations as they end, `chaos.run` adds what the database held when
all was over, `chaos.durability` judges. The file is JSON lines: a `run`, then operations and
faults as they ended, then one `found`. It knows no database.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from poutama.errors import ConfigurationError


class OperationKind(StrEnum):
    """What an operation does."""

    NOTE = "note"
    """Adds one note: a single statement."""
    PAIR = "pair"
    """Adds two notes in one mutation: both, or none."""
    APPEND = "append"
    """Raises a register's version by one and adds a note that has it: a transaction."""
    TASK = "task"
    """Adds a task at the end of the list that all writers share."""
    UNTASK = "untask"
    """Deletes a task of that list."""
    REORDER = "reorder"
    """Puts the list in another order."""
    READ = "read"
    """Reads a register's version."""
    READ_LIST = "read list"
    """Reads the list, before it is changed."""
    FIND = "find"
    """Looks for a note that was acknowledged."""


class OperationOutcome(StrEnum):
    """What the response said to the client."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """An error that says: nothing happened."""
    AMBIGUOUS = "ambiguous"
    """It may have happened; or the run ended before there was an answer."""
    UNEXPECTED = "unexpected"
    """An error that the API does not document."""


class Run(msgspec.Struct, frozen=True, tag="run", tag_field="record"):
    """The first line."""

    name: str
    began: str
    """Wall clock, RFC 3339. All other times are seconds since then."""
    engine: str
    writers: int
    readers: int


class ClientOperation(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="op", tag_field="record"
):
    """One operation of one client, from its first try to its last answer."""

    number: int
    """Unique in the run; the rows it writes bear it."""
    client: str
    kind: OperationKind
    start: float
    end: float
    outcome: OperationOutcome
    code: str = ""
    """Why it was not acknowledged."""
    subject: str = ""
    """The register read or raised; the number of the operation whose row is looked for, deleted."""
    key: str = ""
    """Its idempotency key."""
    tries: int = 1
    """How often the client sent it, under its key."""
    version: int | None = None
    """The register's version as read, or as it was raised to."""
    present: bool | None = None
    """Whether what was looked for was there."""
    response: str = ""
    """The data that acknowledged it, if it has a key."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag="fault", tag_field="record"):
    """A node that was stopped, and started again."""

    node: str
    action: str
    start: float
    end: float


class Found(msgspec.Struct, frozen=True, kw_only=True, tag="found", tag_field="record"):
    """What the database held when all was over."""

    notes: dict[str, int]
    """The mark of each note -> how many rows bear it. A mark is a number, with a part of a pair."""
    registers: dict[str, int]
    """Register -> its version."""
    log: dict[str, list[tuple[int, str]]]
    """Register -> the versions that its appends wrote, with their marks."""
    tasks: dict[str, list[tuple[int, str]]]
    """List -> position and mark of each task, in order."""
    keys: dict[str, list[str]]
    """Idempotency key -> the ids of the rows kept under it."""


HistoryRecord = Run | ClientOperation | Fault | Found


class History(msgspec.Struct, frozen=True):
    """A whole file."""

    run: Run
    operations: list[ClientOperation]
    faults: list[Fault]
    found: Found | None
    """The last one; None in a history that was broken off."""


class HistoryFile:
    """Appends records to a file, each at once; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Make the file.

        Raises:
            ConfigurationError: it is there already, or cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        except OSError as error:
            raise ConfigurationError(
                f"{self.path}: cannot be made ({error.strerror}); choose another with --history"
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            empty = self._file.tell() == 0
            self._file.close()
            if empty:  # what failed before it began has no history
                self.path.unlink()

    def write(self, record: HistoryRecord) -> None:
        """Add one line."""
        assert self._file is not None, "entered"
        self._file.write(msgspec.json.encode(record) + b"\n")


def read_history(path: Path) -> History:
    """Read a file that `HistoryFile` wrote.

    Raises:
        ConfigurationError: it cannot be read, or is not a history; names the line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    decoder = msgspec.json.Decoder(HistoryRecord)
    records: list[HistoryRecord] = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(decoder.decode(line))
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
    if not records or not isinstance(records[0], Run):
        raise ConfigurationError(
            f"{path}: expected a file that `poutama chaos` wrote, which begins with a run"
        )
    return gather(records[0], records[1:])


def gather(run: Run, records: Iterable[HistoryRecord]) -> History:
    """The records of a run as a history."""
    operations: list[ClientOperation] = []
    faults: list[Fault] = []
    found: Found | None = None
    for record in records:
        match record:
            case ClientOperation():
                operations.append(record)
            case Fault():
                faults.append(record)
            case Found():
                found = record
    return History(run, operations, faults, found)
