"""Procedures: mutations in Python, declared in SDL by `@procedure` and typed on both sides.

A procedure is `async def name(context: ProcedureContext, input: Input) -> Payload`, where `Input`
and `Payload` are msgspec structs whose fields are those of the SDL's input and payload types. The
engine calls it in the mutation's transaction, perhaps several times over, once the input has been
checked by the SDL's directives and the caller's permission (`@permit`) by the database. For each
row of the payload it returns the row's id; the engine reads the row as the caller sees it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, iscoroutinefunction, isfunction, signature
from typing import Any, TypeAlias, get_type_hints

import msgspec

from poutama.changes import Changes
from poutama.db.transaction import Transaction
from poutama.errors import ConfigurationError
from poutama.settings import Settings
from poutama.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureContext:
    """What one call of a procedure has.

    Attributes:
        transaction: for reading, and for what `changes` cannot do.
        viewer: who calls it.
        changes: changes rows, with all that belongs to a change.
        settings: every knob.
    """

    transaction: Transaction
    viewer: Viewer
    changes: Changes
    settings: Settings


_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)

ProcedureFunction: TypeAlias = Callable[[ProcedureContext, Any], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with the types of its input and payload."""

    name: str
    function: ProcedureFunction
    input: type[msgspec.Struct]
    payload: type[msgspec.Struct]

    @classmethod
    def of(cls, function: ProcedureFunction) -> Procedure:
        """The procedure that a function is, under the function's name.

        Raises:
            ConfigurationError: its signature is not a procedure's; says where and what is expected.
        """
        name = getattr(function, "__name__", repr(function))
        second = _second_parameter(function)
        try:
            hints = get_type_hints(function)
        except Exception as error:  # annotations are code, and may do anything
            raise _unfit(function, f"its annotations cannot be read ({error})") from error
        input, payload = hints.get(second), hints.get("return")
        for what, type_ in (("second parameter", input), ("result", payload)):
            if not (isinstance(type_, type) and issubclass(type_, msgspec.Struct)):
                raise _unfit(function, f"its {what} is not annotated with a msgspec.Struct")
        assert input is not None
        assert payload is not None
        return cls(name, function, input, payload)

    async def __call__(
        self, context: ProcedureContext, values: Mapping[str, object]
    ) -> dict[str, object]:
        """Call it with an input as the plan resolved it; the payload by the SDL's names.

        Raises:
            TypeError: what it returned is not what its annotation promises.
        """
        input = msgspec.convert(values, self.input)
        payload = await self.function(context, input)
        if not isinstance(payload, self.payload):
            raise TypeError(f"{self.name} returned {type(payload)}, not {self.payload.__name__}")
        found = {
            field.encode_name: getattr(payload, field.name)
            for field in msgspec.structs.fields(self.payload)
        }
        try:
            msgspec.convert(found, self.payload)
        except msgspec.ValidationError as error:
            raise TypeError(f"{self.name} returned a payload of other types: {error}") from error
        return found


def _second_parameter(function: ProcedureFunction) -> str:
    parameters = list(signature(function).parameters.values()) if isfunction(function) else []
    if (
        not iscoroutinefunction(function)
        or len(parameters) != 2
        or any(each.kind not in _POSITIONAL for each in parameters)
    ):
        raise _unfit(function, "it is not an `async def` with two parameters")
    return parameters[1].name


def _unfit(function: ProcedureFunction, why: str) -> ConfigurationError:
    code = getattr(function, "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}: " if code is not None else ""
    name = getattr(function, "__name__", repr(function))
    return ConfigurationError(
        f"{place}procedure {name}: {' '.join(why.split())}; expected"
        " `async def name(context: ProcedureContext, input: Input) -> Payload`"
    )
