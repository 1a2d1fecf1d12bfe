"""The smallest pieces: quoting, parameters, sorting, and rows becoming text."""

from __future__ import annotations

from poutama.features import load_model
from poutama.plan.nodes import All, AnyOf, Compare, Comparison, IsNull, Not
from poutama.plan.values import Constant, Variable
from poutama.schema.model import OrderTerm
from poutama.sql.condition import FALSE, TRUE
from poutama.sql.fragment import (
    Parameters,
    quote_name,
    quote_text,
    render_json_value,
    render_order,
)
from poutama.sql.predicate import Conditions
from poutama.sql.statement import OUTCOME, Assembly, Hole, Statement, Template

GOAL = load_model().entities["Goal"]
DUE, TITLE = GOAL.column("dueAt"), GOAL.column("title")


def test_names_and_texts_cannot_end_their_quotes() -> None:
    assert quote_name('a"b') == '"a""b"'
    assert quote_text("a'b") == "'a''b'"
    assert quote_text("a\\'b") == "E'a\\\\''b'"


def test_a_parameter_is_numbered_once_for_each_type() -> None:
    parameters = Parameters()
    places = [
        parameters.place(Constant(1), "int8"),
        parameters.place(Variable(("a",)), "text"),
        parameters.place(Constant(1), "int8"),
        parameters.place(Constant(1), "text"),
    ]
    assert places == ["$1::int8", "$2::text", "$1::int8", "$3::text"]
    assert parameters.values == (Constant(1), Variable(("a",)), Constant(1))


def test_what_may_be_null_is_written_as_null() -> None:
    assert render_json_value("a", GOAL.column("color")).startswith("coalesce(")
    assert not render_json_value("a", TITLE).startswith("coalesce(")


def test_rows_without_a_value_come_last_both_ways_and_ties_end_at_the_id() -> None:
    assert render_order("a", [OrderTerm(DUE)]) == 'a."due_at" IS NULL, a."due_at", a."id"'
    down = render_order("a", [OrderTerm(DUE, descending=True), OrderTerm(TITLE)])
    assert down == 'a."due_at" IS NULL, a."due_at" DESC, left(a."title_search", 100), a."id"'
    back = render_order("a", [OrderTerm(DUE, descending=True)], is_backward=True)
    assert back == 'a."due_at" IS NULL DESC, a."due_at", a."id" DESC'


def test_a_condition_is_never_null() -> None:
    conditions = Conditions(Parameters())
    later = Compare(DUE, Comparison.GT, Constant("x"))
    assert conditions.render("a", Not(later)).text == (
        'NOT (a."due_at" IS NOT NULL AND a."due_at" > $1::text::timestamptz)'
    )
    assert conditions.render("a", Not(IsNull(DUE))).text == 'NOT (a."due_at" IS NULL)'


def test_all_of_nothing_holds_and_any_of_nothing_does_not() -> None:
    conditions = Conditions(Parameters())
    assert conditions.render("a", All(())) == TRUE
    assert conditions.render("a", All((All(()), All(())))) == TRUE
    assert conditions.render("a", AnyOf(())) == FALSE
    assert conditions.render("a", Not(All(()))) == FALSE
    either = AnyOf((IsNull(DUE), All((IsNull(TITLE), IsNull(DUE)))))
    assert conditions.render("a", either).text == (
        'a."due_at" IS NULL OR (a."title" IS NULL AND a."due_at" IS NULL)'
    )


def test_an_argument_beside_a_condition_that_never_holds_stays_in_the_text() -> None:
    """The database refuses a statement whose text does not name all of its parameters."""
    conditions = Conditions(Parameters())
    found = conditions.render("a", All((Compare(TITLE, Comparison.EQ, Constant("x")), AnyOf(()))))
    assert found.text == 'a."title" = $1::text AND false'
    assert conditions.parameters.values == (Constant("x"),)


CHILDREN = Template.compose(0, [None])
PARENTS = Template.compose(1, ['{"id":', None, ',"tasks":[', Hole(0, ""), '],"n":', None, "}"])
ROOT = Template.compose(-1, ['{"goals":[', Hole(1, ""), "]}"])


def test_rows_of_all_levels_are_hung_together_in_the_order_of_their_keys() -> None:
    rows = [
        (0, 2, 2, '"c"'),
        (1, 0, 2, "2\x01two"),
        (0, 1, 3, '"b"'),
        (0, 1, 1, '"a"'),
        (1, 0, 1, "1\x01one"),
        (1, 0, 3, "3\x01three"),
    ]
    assert Assembly(ROOT, (CHILDREN, PARENTS)).assemble(rows) == (
        '{"goals":[{"id":1,"tasks":["a","b"],"n":one},{"id":2,"tasks":["c"],"n":two},'
        '{"id":3,"tasks":[],"n":three}]}'
    )


def test_a_row_that_must_be_there_and_is_not_takes_its_parent_with_it() -> None:
    root = Template.compose(-1, ['{"me":', Hole(0, None), "}"])
    assembly = Assembly(root, (CHILDREN,))
    assert assembly.assemble([]) is None
    assert assembly.assemble([(0, 0, 1, "{}")]) == '{"me":{}}'
    optional = Template.compose(-1, ['{"me":', Hole(0, "null"), "}"])
    assert Assembly(optional, (CHILDREN,)).assemble([]) == '{"me":null}'


def test_a_percent_sign_is_what_it_is_in_a_literal_and_in_a_row() -> None:
    body = Template.compose(0, ['{"100%s":', None, "}"])
    assembly = Assembly(Template.compose(-1, ["[", Hole(0, ""), "]"]), (body,))
    assert assembly.assemble([(0, 0, 1, '"5 %d"')]) == '[{"100%s":"5 %d"}]'


def test_the_outcome_of_a_change_is_a_row_of_its_own() -> None:
    assembly = Assembly(Template.compose(-1, ["[", Hole(0, ""), "]"]), (CHILDREN,))
    outcome = Statement("", (), assembly).conclude([(OUTCOME, 0, 7, None)])
    assert (outcome.data, outcome.written, outcome.version) == ("[]", 0, 7)
    written = Statement("", (), assembly).conclude([(0, 0, 1, "1"), (OUTCOME, 1, None, None)])
    assert (written.data, written.written, written.version) == ("[1]", 1, None)
