"""What a request brings to its plan: the values of the places that the plan holds.

The engine resolves the values of a statement before it is sent, and of a procedure's input before
it is called. Every check that depends on a value, not on its shape, happens here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from json import dumps, loads
from typing import Any
from uuid import UUID, uuid4

from poutama.errors import BadUserInputError, LimitExceededError, UnauthenticatedError
from poutama.hidden_characters import find_hidden
from poutama.plan.cursor import decode_cursor
from poutama.plan.input_values import MAX_ERRORS, show_value
from poutama.plan.values import (
    Checked,
    Constant,
    CursorPart,
    Default,
    Fingerprint,
    Folded,
    IdempotencyKey,
    InputIds,
    InputInteger,
    InputText,
    Items,
    Members,
    Moment,
    Needle,
    NewId,
    Normalized,
    PageSize,
    Prefix,
    Returned,
    SqlConstant,
    Unusable,
    Value,
    Variable,
    ViewerId,
    Words,
)
from poutama.schema.input_rules import NumberRule, TextRule
from poutama.schema.scalars import print_date_time
from poutama.text import (
    LONGEST_DECOMPOSITION,
    LONGEST_TEXT,
    find_control,
    find_unstorable,
    fold,
    fold_needle,
    normalize,
    visible_text,
)
from poutama.viewer import Viewer

MAX_IDS = 100
"""How many ids one column may be given."""
MAX_WORDS = 20
"""How many words a search may look for."""
LONGEST_NEEDLE = 100
"""Characters of what is looked for within texts, in their searched form: the work of looking is, at
worst, the length of the text times this."""


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A mutation that carries an idempotency key."""

    key: str
    fingerprint: str


@dataclass(slots=True)
class Binding:
    """What one request brings to its plan."""

    variables: Mapping[str, object]
    viewer: Viewer | None
    max_page_size: int
    idempotent_request: IdempotentRequest | None = None
    returned: Mapping[str, object] = field(default_factory=dict)
    new_ids: dict[int, UUID] = field(default_factory=dict)

    def start_again(self) -> None:
        """Discard the ids of an attempt that was rolled back."""
        self.new_ids.clear()

    def new_id(self, number: int) -> UUID:
        if number not in self.new_ids:
            self.new_ids[number] = uuid4()
        return self.new_ids[number]


def resolve_value(value: Value, binding: Binding) -> object:
    """The value for this request, in the type the driver takes.

    Raises:
        BadUserInputError: it cannot be used; names the argument and what was expected.
        LimitExceededError: a page larger than allowed.
    """
    match value:
        case Constant(known):
            return check_storable(known, "")
        case Variable(path):
            return check_storable(_follow(path, binding.variables), f"${'.'.join(map(str, path))}")
        case ViewerId():
            if binding.viewer is None:
                raise UnauthenticatedError
            return binding.viewer.person_id
        case NewId(number):
            return binding.new_id(number)
        case Returned(field):
            return binding.returned[field]
        case IdempotencyKey() | Fingerprint():
            request = binding.idempotent_request
            assert request is not None, "a statement with a key needs a request with a key"
            return request.key if value == IdempotencyKey() else request.fingerprint
        case Items() | Default() | Unusable():
            return _resolve_parts(value, binding)
        case SqlConstant():
            raise AssertionError("a constant of SQL is not a parameter")
        case _:
            return _resolve_checked(value, binding)


def resolve_values(values: Iterable[Value], binding: Binding) -> list[object]:
    """The values for this request, in their order.

    Raises:
        BadUserInputError: some cannot be used; the first, with all the others.
        LimitExceededError, UnauthenticatedError: as `resolve_value`.
    """
    values = tuple(values)
    try:
        return [resolve_value(value, binding) for value in values]
    except BadUserInputError:
        # Every statement comes this way, and few have errors: only these are looked for one by one.
        errors = InputErrors()
        for value in values:
            with errors:
                resolve_value(value, binding)
        errors.raise_found()
        raise


class InputErrors:
    """Gathers what cannot be used, so that all of it is reported at once; a context manager."""

    def __init__(self) -> None:
        self._found: dict[str, BadUserInputError] = {}

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, BadUserInputError):
            return False
        for each in (error, *error.others):
            self._found.setdefault(each.message, each)
        return True

    def raise_found(self) -> None:
        """Raise the first, with the others, if there is one."""
        if self._found:
            first, *others = list(self._found.values())[:MAX_ERRORS]
            first.others = tuple(others)
            raise first


def _resolve_parts(value: Items | Default | Unusable, binding: Binding) -> object:
    if isinstance(value, Unusable):
        raise BadUserInputError.at(value.where, value.expected)
    if isinstance(value, Items):
        return resolve_values(value.values, binding)
    fits = all(resolve_value(part, binding) in words for part, words in value.conditions)
    return value.value if fits else resolve_value(value.otherwise, binding)


def _follow(path: tuple[str | int, ...], variables: Any) -> object:
    for step in path:
        variables = variables[step]
    return variables


def resolve_tree(tree: object, binding: Binding) -> Any:
    """A whole argument for this request, as dicts, lists and values.

    Raises:
        BadUserInputError, LimitExceededError: as `resolve_value`.
    """
    errors = InputErrors()
    found = _resolve_tree(tree, binding, errors)
    errors.raise_found()
    return found


def _resolve_tree(tree: object, binding: Binding, errors: InputErrors) -> Any:
    match tree:
        case None:
            return None
        case dict():
            return {name: _resolve_tree(part, binding, errors) for name, part in tree.items()}
        case list():
            return [_resolve_tree(part, binding, errors) for part in tree]
    with errors:
        return resolve_value(tree, binding)  # type: ignore[arg-type]
    return None


def _resolve_checked(value: Checked, binding: Binding) -> object:
    _check_constants(value.value, getattr(value, "where", ""))
    inner = resolve_value(value.value, binding)
    match value:
        case Folded() | Needle() | Prefix() | Normalized() | Words():
            return None if inner is None else _resolve_text(value, inner)
        case Moment():
            return print_date_time(inner) if isinstance(inner, datetime) else None
        case InputText(_, rule, where):
            return None if inner is None else _check_text(str(inner), rule, where)
        case InputInteger(_, rule, where):
            return None if inner is None else _check_number(inner, rule, where)
        case InputIds(_, where):
            assert isinstance(inner, Sequence)
            return dumps([str(item) for item in _check_count(inner, where)])
        case Members():
            assert isinstance(inner, Sequence)
            return dumps([_plain(item) for item in inner], ensure_ascii=False)
        case PageSize(_, where):
            assert isinstance(inner, int)
            return _check_page_size(inner, where, binding.max_page_size)
        case CursorPart(_, index, list_, order, where):
            return decode_cursor(str(inner), list_, order, where)[index]


def _check_constants(value: Value, where: str) -> None:
    """Check what is written in the document: of such a value the argument is known here alone."""
    for part in value.values if isinstance(value, Items) else (value,):
        if isinstance(part, Constant):
            check_storable(part.value, where)


def _resolve_text(value: Folded | Needle | Prefix | Normalized | Words, text: object) -> object:
    match value:
        case Folded():
            return _convert(fold, str(text), "")
        case Needle(_, where):
            return _check_needle(_convert(fold_needle, str(text), where), "text", where)
        case Prefix(_, where):
            return _convert(fold_needle, str(text), where)
        case Normalized(_, where):
            return _normalize(text, where)
        case Words(_, where):
            return dumps(_split_words(str(text), where), ensure_ascii=False)


def check_storable(value: object, where: str) -> object:
    """Return the value; refuse what no text column can hold: NUL, and halves of surrogate pairs.

    Args:
        value: a text, a list of them, or what has none in it.
        where: what the message calls it; empty: a text.

    Raises:
        BadUserInputError: it holds such a character.
    """
    if isinstance(value, str):
        problem = find_unstorable(value)
        if problem:
            fields = {"field": where} if where else {}
            raise BadUserInputError(f"{where or 'A text'} contains {problem}.", **fields)
    elif isinstance(value, list):
        for item in value:
            check_storable(item, where)
    return value


def _plain(item: object) -> object:
    match item:
        case UUID():
            return str(item)
        case datetime():
            return print_date_time(item)
        case _:
            return item


def _normalize(value: object, where: str) -> object:
    if isinstance(value, list):
        return [_normalize(item, where) for item in value]
    return _convert(normalize, value, where) if isinstance(value, str) else value


def count_words(values: Iterable[Value], binding: Binding) -> int:
    """How many words the texts of searches have together.

    Raises:
        BadUserInputError, UnauthenticatedError: as `resolve_value`.
    """
    return sum(len(loads(str(resolve_value(value, binding)))) for value in values)


def _split_words(text: str, where: str) -> list[str]:
    words = _convert(fold_needle, text, where).split()
    if len(words) > MAX_WORDS:
        raise BadUserInputError.at(where, f"at most {MAX_WORDS} words, got {len(words)}")
    return [_check_needle(word, "word", where) for word in words]


def _check_needle(folded: str, kind: str, where: str) -> str:
    if len(folded) > LONGEST_NEEDLE:
        expected = f"a {kind} of at most {LONGEST_NEEDLE} characters, got {len(folded)}"
        raise BadUserInputError.at(where, expected)
    return folded


def _convert(convert: Callable[[str], str], text: str, where: str) -> str:
    try:
        return convert(text)
    except BadUserInputError as error:
        place = {"field": where} if where else {}
        raise BadUserInputError(f"{where or 'A text'}: {error.message}", **place) from error


def _check_text(text: str, rule: TextRule, where: str) -> str:
    # Before normalising: a text that fits afterwards has no more characters now than this.
    if len(text) <= rule.maximum * LONGEST_DECOMPOSITION:
        try:
            text = normalize(text, limit=LONGEST_TEXT * LONGEST_DECOMPOSITION)
        except BadUserInputError as error:
            raise BadUserInputError(f"{where}: {error.message}", field=where) from error
    if not rule.minimum <= len(text) <= rule.maximum:
        raise BadUserInputError(
            f"{where}: expected {rule.minimum} to {rule.maximum} characters, got {len(text)}.",
            field=where,
        )
    if rule.minimum:
        _check_visible(text, rule, where)
    if control := find_control(text):
        raise BadUserInputError(
            f"{where}: expected no control characters, got {control}.", field=where
        )
    if rule.is_name and (hidden := find_hidden(text)):
        expected = "no characters that show nothing or turn the direction of the text"
        raise BadUserInputError(f"{where}: expected {expected}, got {hidden}.", field=where)
    if rule.pattern and not re.fullmatch(rule.pattern, text):
        raise BadUserInputError.at(where, f"{rule.expected}, got {show_value(text)}")
    return text


def _check_visible(text: str, rule: TextRule, where: str) -> None:
    seen = len(visible_text(text))
    if not seen:
        raise BadUserInputError(f"{where}: expected more than white space.", field=where)
    if seen < rule.minimum:
        raise BadUserInputError(
            f"{where}: expected at least {rule.minimum} visible characters, got {seen}.",
            field=where,
        )


def _check_number(number: object, rule: NumberRule, where: str) -> int:
    assert isinstance(number, int)
    lowest, highest = rule.minimum, rule.maximum
    if (lowest is None or number >= lowest) and (highest is None or number <= highest):
        return number
    if highest is None:
        expected = f"at least {lowest}"
    else:
        expected = f"at most {highest}" if lowest is None else f"{lowest} to {highest}"
    raise BadUserInputError(f"{where}: expected {expected}, got {number}.", field=where)


def _check_count(ids: Sequence[object], where: str) -> Sequence[object]:
    if len(ids) > MAX_IDS:
        raise BadUserInputError(
            f"{where}: expected {MAX_IDS} ids at most, got {len(ids)}.", field=where
        )
    return ids


def _check_page_size(size: int, where: str, largest: int) -> int:
    if size < 0:
        raise BadUserInputError(f"{where}: expected a number from 0, got {size}.", field=where)
    if size > largest:
        raise LimitExceededError(
            f"{where}: a page may have {largest} items at most, got {size}.",
            limit="pageSize",
            allowed=largest,
            value=size,
        )
    return size
