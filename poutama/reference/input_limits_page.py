"""The page docs/input-limits.md: how long each text of a mutation's input may be, and each number.

Called by `commands.pages` with the model; reads the rules that the compiler checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from poutama.schema.input_rules import NO_RANGE, NumberRule, TextRule
from poutama.schema.model import (
    Column,
    ColumnKind,
    InputChildren,
    InputColumn,
    InputField,
    Model,
    NumberInput,
    ObjectInput,
    TextInput,
)

OPENING = """\
# Limits of inputs

How long a text may be, in characters after normalisation, and between which numbers a number:
declared beside each field of the schema files by `@length`, `@pattern`, `@name` and `@range`. A
name has no characters that show nothing or turn the direction of the text, but joiners where a
script or an emoji needs them; names of rosters and of sign-ins lose them. Anything else is
`BAD_USER_INPUT` with the path of the field. Of several inputs (`updateGoalTasks`) each has the
limits of the single mutation. Limits of whole operations: [limits.md](limits.md).

This page is generated from the schema files: `make docs`.

| mutation | field | |
|---|---|---|
"""


def render_input_limits_page(model: Model) -> str:
    """The text of `docs/input-limits.md`."""
    rows = [
        f"| `{name}` | `{field}` | {rule} |\n"
        for name, mutation in sorted(model.mutations.items())
        if mutation.bulk is None
        for field, rule in _rules(mutation.inputs)
    ]
    return OPENING + "".join(rows)


def _rules(inputs: Mapping[str, InputField], path: str = "") -> Iterator[tuple[str, str]]:
    for name, field in inputs.items():
        match field:
            case InputColumn(column=Column(kind=ColumnKind.TEXT)) | TextInput():
                yield f"{path}{name}", _describe_text(field.text)
            case InputColumn(column=Column(kind=ColumnKind.INTEGER)) | NumberInput():
                if field.number != NO_RANGE:
                    yield f"{path}{name}", _describe_number(field.number)
            case InputChildren(fields=fields) | ObjectInput(fields=fields):
                yield from _rules(fields, f"{path}{name}.")


def _describe_text(rule: TextRule) -> str:
    if rule.expected:
        return rule.expected
    kind = "characters of a name" if rule.is_name else "characters"
    if rule.minimum:
        return f"{rule.minimum:,} to {rule.maximum:,} {kind}"
    return f"{rule.maximum:,} {kind} at most"


def _describe_number(rule: NumberRule) -> str:
    if rule.maximum is None:
        return f"at least {rule.minimum:,}"
    return (
        f"{rule.minimum:,} to {rule.maximum:,}"
        if rule.minimum is not None
        else (f"at most {rule.maximum:,}")
    )
