"""Conditions join with the parentheses they need, and without what changes nothing."""

from __future__ import annotations

from poutama.sql.condition import FALSE, TRUE, Condition, all_of, any_of, negate

A, B, C = (Condition(f"{name} = 1") for name in "abc")


def test_what_is_known_leaves_no_text_where_it_changes_nothing() -> None:
    assert all_of() == all_of(TRUE, TRUE) == TRUE
    assert any_of() == any_of(FALSE, FALSE) == FALSE
    assert all_of(TRUE, A) == any_of(A, FALSE) == A
    assert all_of(TRUE, any_of(FALSE, B)) == B


def test_what_is_known_stays_where_it_decides() -> None:
    assert all_of(A, FALSE).text == "a = 1 AND false"
    assert any_of(A, TRUE).text == "a = 1 OR true"


def test_the_opposite_of_what_is_known_is_known() -> None:
    assert negate(TRUE) == FALSE
    assert negate(FALSE) == TRUE
    assert negate(A).text == "NOT (a = 1)"
    assert negate(any_of(A, B)).text == "NOT (a = 1 OR b = 1)"


def test_only_what_would_mean_something_else_has_parentheses() -> None:
    assert all_of(A, all_of(B, C)).text == "a = 1 AND b = 1 AND c = 1"
    assert any_of(any_of(A, B), C).text == "a = 1 OR b = 1 OR c = 1"
    assert all_of(any_of(A, B), C).text == "(a = 1 OR b = 1) AND c = 1"
    assert any_of(A, all_of(B, C)).text == "a = 1 OR (b = 1 AND c = 1)"
    assert all_of(A, negate(any_of(B, C))).text == "a = 1 AND NOT (b = 1 OR c = 1)"


def test_text_that_reads_true_is_not_known_to_be() -> None:
    assert Condition("true") != TRUE
    assert all_of(Condition("true"), A).text == "true AND a = 1"


def test_where_every_row_fits_there_is_no_clause() -> None:
    assert all_of().where == ""
    assert A.where == " WHERE a = 1"
    assert FALSE.where == " WHERE false"
