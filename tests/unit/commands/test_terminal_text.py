"""What people wrote is printed, and neither the console nor the terminal obeys it."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from poutama.commands.terminal_text import escape_text


def test_neither_markup_nor_control_characters_have_an_effect() -> None:
    paper = StringIO()
    hostile = "[bold]K\x1b[2J\x1b]0;pwn\x07ura\n\u202eoops"
    Console(file=paper, width=80).print(escape_text(hostile))

    assert paper.getvalue() == "[bold]K\ufffd[2J\ufffd]0;pwn\ufffdura\ufffd\ufffdoops\n"
    assert escape_text(None) == ""
