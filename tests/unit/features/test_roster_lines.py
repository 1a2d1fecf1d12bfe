"""Records of any bytes: read, or refused by the number of their line, in bounded memory."""

from __future__ import annotations

import csv
import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from poutama.features.roster.lines import LONGEST_RECORD, CsvRecord, find_separator, read_records


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as networks and zips do."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 1, 7))


class Endless:
    """A line of so many bytes between two good ones, none of it held."""

    def __init__(self, size: int) -> None:
        self._parts = [b"a,b\n", *[b"x" * (1 << 20)] * (size >> 20), b"\nc,d\n"]

    def read(self, size: int, /) -> bytes:
        return self._parts.pop(0) if self._parts else b""


def read(content: bytes) -> list[CsvRecord]:
    return list(read_records(io.BytesIO(content)))


def cells(content: bytes) -> list[list[str]]:
    return [record.cells for record in read(content)]


def faults(content: bytes) -> list[tuple[int, str]]:
    return [(record.line, record.fault) for record in read(content)]


def test_either_line_end_will_do() -> None:
    assert cells(b"a,b\r\nc,d\ne,f") == [["a", "b"], ["c", "d"], ["e", "f"]]


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert faults(b"a\n\n , ,\r\nb\n") == [(1, ""), (4, "")]


def test_quoted_fields_hold_commas_quotes_and_line_ends() -> None:
    assert cells(b'1,"a,""b""\r\nc",2\n3,4,5\n') == [["1", 'a,"b"\r\nc', "2"], ["3", "4", "5"]]


def test_fields_are_separated_by_what_the_header_has() -> None:
    for start, expected in (
        (b"a,b;c,d", ","),
        (b'\xef\xbb\xbf"a;a";b;"c,c,c"\nd,e,f,g', ";"),
        (b"\r\na\tb\r\nc,d", "\t"),
        (b"a", ","),
        (b"", ","),
    ):
        assert find_separator(start) == expected
    found = read_records(io.BytesIO(b'a;"b;\n""c"\n;;\nd,e;"f\n'), separator=";")
    assert [(one.cells, one.fault) for one in found] == [
        (["a", 'b;\n"c'], ""),
        (["d,e"], "BAD_QUOTES"),
    ]


def test_a_record_is_known_by_the_line_it_begins_in() -> None:
    assert faults(b'a\n"b\n\n"\nc\n') == [(1, ""), (2, ""), (5, "")]


def test_quotes_inside_unquoted_fields_are_letters() -> None:
    assert cells(b'1,Hi "Jo" Lo,2\n2,O"B,3\n') == [["1", 'Hi "Jo" Lo', "2"], ["2", 'O"B', "3"]]


def test_a_quote_that_is_not_closed_costs_one_line() -> None:
    assert faults(b'a,"b\nc,d\ne,f\n') == [(1, "BAD_QUOTES"), (2, ""), (3, "")]
    assert faults(b'a,"b\nc,"d"\ne,f\n') == [(1, "BAD_QUOTES"), (2, ""), (3, "")]


def test_a_quote_that_is_not_closed_costs_one_line_of_very_many() -> None:
    found = faults(b'a,"b\n' + b"c,d\n" * 100_000)
    assert found[:2] == [(1, "BAD_QUOTES"), (2, "")]
    assert len(found) == 100_001


def test_what_stands_beside_quotes_costs_the_line() -> None:
    assert faults(b'"a"b,c\nd,e\n') == [(1, "BAD_QUOTES"), (2, "")]


def test_bytes_that_are_not_utf_8_cost_the_line_and_not_its_id() -> None:
    found = read(b"u1,M\xe4ori\nu2,M\xc4\x81ori\n")
    assert [(one.cells[0], one.fault) for one in found] == [("u1", "BAD_ENCODING"), ("u2", "")]
    quoted = read(b'u1,"M\xe4\nori"\nu2,b\n')
    assert [(one.cells[0], one.fault) for one in quoted] == [("u1", "BAD_ENCODING"), ("u2", "")]


def test_a_line_of_100_mb_is_refused_by_number_in_bounded_memory() -> None:
    tracemalloc.start()
    try:
        found = list(read_records(Endless(100 << 20)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(one.line, one.fault) for one in found] == [(1, ""), (2, "TOO_LONG"), (3, "")]
    assert found[2].cells == ["c", "d"]
    assert found[2].next_offset == 4 + (100 << 20) + 1 + 4
    assert peak < 8 << 20


def test_a_line_just_short_enough_is_read() -> None:
    assert faults(b"x" * LONGEST_RECORD + b"\nb\n") == [(1, ""), (2, "")]
    assert faults(b"x" * (LONGEST_RECORD + 1) + b"\nb\n") == [(1, "TOO_LONG"), (2, "")]


soup = st.one_of(
    st.binary(max_size=400),
    st.text(alphabet='ab,"\r\n \x00\ufeffā', max_size=400).map(str.encode),
    st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b'""', b"\xff"]), max_size=80).map(
        b"".join
    ),
)


@given(soup)
def test_any_bytes_are_records_or_faults(content: bytes) -> None:
    for record in read(content):
        assert record.fault or record.cells
        assert record.next_line > record.line
        assert record.next_offset <= len(content)


@given(soup)
def test_it_does_not_matter_how_the_bytes_come(content: bytes) -> None:
    assert list(read_records(Trickle(content))) == read(content)


@given(soup)
def test_reading_can_go_on_after_any_record(content: bytes) -> None:
    whole = read(content)
    for index, record in enumerate(whole):
        rest = io.BytesIO(content[record.next_offset :])
        again = read_records(rest, line=record.next_line, offset=record.next_offset)
        assert list(again) == whole[index + 1 :]


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2),
        min_size=1,
        max_size=5,
    )
)
def test_what_csv_writes_is_read_back(rows: list[list[str]]) -> None:
    held = io.StringIO()
    csv.writer(held).writerows(rows)
    blank = [row for row in rows if ",".join(row).strip(", \t\r\n")]
    found = [record.cells for record in read(held.getvalue().encode()) if not record.fault]
    # What is quoted and blank is a record; what is blank and not quoted is none.
    assert [row for row in found if ",".join(row).strip(", \t\r\n")] == blank
