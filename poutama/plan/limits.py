"""How much one document may ask for, counted with its fragments expanded.

`plan.operation` calls `check_text` before parsing and `check_document` before validating: what is
refused here costs a walk of at most `max_fields` selections, however its fragments multiply.
Counted is what is written, whatever conditions (`@skip`) will leave of it, so the verdict holds for
every request with that text. What depends on values is in `plan.cost`. `docs/limits.md` is the page
for those who meet a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from poutama.errors import LimitExceededError
from poutama.settings import Settings

INTROSPECTION = frozenset({"__schema", "__type"})
"""What is below these fields has no depth: a schema's types are nested by nature.

How far their lists may be nested is fixed by graphql-core's `MaxIntrospectionDepthRule`.
"""


def exceeded(limit: str, value: int, allowed: int, message: str) -> LimitExceededError:
    """Make the error that says which limit it was, the value, and what is allowed."""
    return LimitExceededError(
        f"{message}: at most {allowed} allowed.", limit=limit, value=value, allowed=allowed
    )


def check_text(text: str, settings: Settings) -> None:
    """Refuse a document that is too long to be looked at.

    Raises:
        LimitExceededError: `characters`.
    """
    if len(text) > settings.max_characters:
        message = f"The document has {len(text)} characters"
        raise exceeded("characters", len(text), settings.max_characters, message)


def check_batch(size: int, settings: Settings) -> None:
    """Refuse a list in arguments or variables that is too long.

    Raises:
        LimitExceededError: `batch`.
    """
    if size > settings.max_batch_size:
        message = f"A list that was sent has {size} items"
        raise exceeded("batch", size, settings.max_batch_size, message)


def check_document(document: DocumentNode, settings: Settings) -> int:
    """Refuse a document one of whose operations asks for too much; it need not be valid.

    Returns:
        How many selections were looked at: never more than `max_fields`.

    Raises:
        LimitExceededError: `fields` (of all its operations together), `rootFields`, `depth`,
            `aliases`, `directives` or `repeats`.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    visited = 0
    used: set[int] = set()
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    for operation in operations:
        census = _Census(fragments, settings.max_fields, visited, used)
        census.count_operation(operation)
        census.check(settings)
        visited = census.visited
    for node in document.definitions:
        # The validator refuses what no operation uses, but only after it has compared its fields.
        if isinstance(node, FragmentDefinitionNode) and id(node) not in used:
            census = _Census(fragments, settings.max_fields, visited, used)
            census.count_fragment(node)
            census.check(settings)
            visited = census.visited
    return visited


@dataclass(frozen=True, slots=True)
class _SelectionPlace:
    """Where a selection stands once fragments are expanded."""

    selection: SelectionNode
    depth: int
    path: int
    """The number of the response path of the field around it."""
    within: frozenset[str]
    """The fragments around it; one that spreads itself is for the validator to refuse."""
    introspects: bool


@dataclass(slots=True)
class _Census:
    """Walks one operation and counts. A stack of its own: fragments nest as deep as they like."""

    fragments: Mapping[str, FragmentDefinitionNode]
    max_fields: int
    visited: int
    used: set[int]
    """The fragments that were followed, by `id`: two may have one name."""
    root_fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    repeats: int = 0
    _paths: dict[tuple[int, str], int] = field(default_factory=dict)
    _stack: list[_SelectionPlace] = field(default_factory=list)

    def count_operation(self, operation: OperationDefinitionNode) -> None:
        self.directives += len(operation.directives or ())
        for variable in operation.variable_definitions or ():
            self.directives += len(variable.directives or ())
        self._open(operation.selection_set, 1, 0, frozenset(), introspects=False)
        self._walk()

    def count_fragment(self, fragment: FragmentDefinitionNode) -> None:
        self.directives += len(fragment.directives or ())
        within = frozenset({fragment.name.value})
        self._open(fragment.selection_set, 1, 0, within, introspects=False)
        self._walk()
        self.root_fields = 0

    def _walk(self) -> None:
        while self._stack:
            place = self._stack.pop()
            self._visit_one()
            self.directives += len(place.selection.directives or ())
            match place.selection:
                case FieldNode() as node:
                    self._count_field(node, place)
                case InlineFragmentNode(selection_set=inside):
                    self._open(
                        inside,
                        place.depth,
                        place.path,
                        place.within,
                        introspects=place.introspects,
                    )
                case FragmentSpreadNode() as spread:
                    self._follow(spread.name.value, place)

    def check(self, settings: Settings) -> None:
        """Hold what was counted against what is allowed."""
        for limit, value, allowed, message in (
            ("rootFields", self.root_fields, settings.max_root_fields, "root fields"),
            ("aliases", self.aliases, settings.max_aliases, "aliases"),
            ("directives", self.directives, settings.max_directives, "directives"),
            ("repeats", self.repeats, settings.max_repeats, "fields that repeat another"),
        ):
            if value > allowed:
                found = f"The operation has {value} {message}, its fragments expanded"
                raise exceeded(limit, value, allowed, found)
        if self.depth > settings.max_depth:
            found = f"The operation is nested {self.depth} fields deep, its fragments expanded"
            raise exceeded("depth", self.depth, settings.max_depth, found)

    def _visit_one(self) -> None:
        self.visited += 1
        if self.visited > self.max_fields:
            found = f"The document has {self.visited} fields or more, its fragments expanded"
            raise exceeded("fields", self.visited, self.max_fields, found)

    def _count_field(self, node: FieldNode, place: _SelectionPlace) -> None:
        self.aliases += node.alias is not None
        self.root_fields += place.path == 0
        if not place.introspects:
            self.depth = max(self.depth, place.depth)
        key = (place.path, (node.alias or node.name).value)
        self.repeats += key in self._paths
        path = self._paths.setdefault(key, len(self._paths) + 1)
        if node.selection_set is not None:
            introspects = place.introspects or node.name.value in INTROSPECTION
            inside = node.selection_set
            self._open(inside, place.depth + 1, path, place.within, introspects=introspects)

    def _follow(self, name: str, place: _SelectionPlace) -> None:
        fragment = self.fragments.get(name)
        if fragment is None or name in place.within:
            return
        self.used.add(id(fragment))
        self.directives += len(fragment.directives or ())
        self._open(
            fragment.selection_set,
            place.depth,
            place.path,
            place.within | {name},
            introspects=place.introspects,
        )

    def _open(
        self,
        inside: SelectionSetNode,
        depth: int,
        path: int,
        within: frozenset[str],
        *,
        introspects: bool,
    ) -> None:
        self._stack.extend(
            _SelectionPlace(selection, depth, path, within, introspects)
            for selection in reversed(inside.selections)
        )
