"""What is wrong with a request is said plainly, whatever was sent."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poutama.edge.payload import MAX_JSON_DEPTH, parse_body, parse_parameters
from poutama.errors import BadRequestError, BadUserInputError
from poutama.plan.operation import GraphQLRequest

DEEP = 100_000
TOO_DEEP = "The request is nested too deeply."


def nested(depth: int) -> bytes:
    return b'{"query":"{ a }","variables":{"x":' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The request body is empty: expected a JSON object with `query`."),
        (b" \n", "The request body is empty: expected a JSON object with `query`."),
        (b"[]", "Batches are not served: send one operation per request."),
        (b'[{"query":"{ a }"}]', "Batches are not served: send one operation per request."),
        (b'"x"', "The request body: expected a JSON object with `query`, got a string."),
        (b"null", "The request body: expected a JSON object with `query`, got null."),
        (b"{}", "`query`: expected a string, got nothing."),
        (b'{"query":null}', "`query`: expected a string, got nothing."),
        (b'{"query":0}', "`query`: expected a string, got a number."),
        (b'{"query":false}', "`query`: expected a string, got a boolean."),
        (b'{"query":{}}', "`query`: expected a string, got an object."),
        (b'{"query":["a"]}', "`query`: expected a string, got a list."),
        (
            b'{"query":"{ a }","operationName":1}',
            "`operationName`: expected a string, got a number.",
        ),
        (b'{"query":"{ a }","variables":"x"}', "`variables`: expected an object, got a string."),
        (b'{"query":"{ a }","variables":[]}', "`variables`: expected an object, got a list."),
        (b'{"query":"{ a }","extensions":0}', "`extensions`: expected an object, got a number."),
        (b'{"query":"\xff"}', "The request body is not valid UTF-8 (byte 10)."),
        (b'\xff{"query":"a"}', "The request body is not valid UTF-8 (byte 0)."),
        (b'{"query":"\xed\xa0\x80"}', "The request body is not valid UTF-8 (byte 10)."),
        (
            b'{"query":"\\ud800"}',
            "The request body has a \\u escape that is half of a surrogate pair.",
        ),
        (
            b'{"query":"\\udc00 a"}',
            "The request body has a \\u escape that is half of a surrogate pair.",
        ),
        (
            b'{"query":"a","variables":{"x":"\\ud83d\\ud83d"}}',
            "The request body has a \\u escape that is half of a surrogate pair.",
        ),
        (
            b'{"query":"{ a }"' + b',"x":' + b"[" * DEEP + b"]" * DEEP + b"}",
            TOO_DEEP,
        ),
        (nested(DEEP), TOO_DEEP),
        (nested(MAX_JSON_DEPTH + 1), "`variables`: nested too deeply."),
        # A text that does not end: each of its quotes could begin another one.
        (b"[" * 501 + b'"' + rb"\"" * 400_000, TOO_DEEP),
    ],
)
def test_a_body_that_is_no_request_is_told_what_is_wrong(body: bytes, message: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_body(body)

    assert caught.value.message == message


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":',
        b'{"query":"a"} x',
        b'{"query":"a\x00b"}',
        b"\x00",
        b"\xef\xbb\xbf{}",
        b'{"query":"a","variables":{"x":NaN}}',
        b"query=a",
    ],
)
def test_what_is_not_json_is_said_not_to_be(body: bytes) -> None:
    with pytest.raises(BadRequestError, match="The request body is not JSON"):
        parse_body(body)


def test_a_number_out_of_range_is_refused() -> None:
    with pytest.raises(BadRequestError, match=r"Number out of range - at `\$\.variables"):
        parse_body(b'{"query":"a","variables":{"x":1e999}}')


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"query":"{ \\u0000 }"}', "query"),
        (b'{"query":"a","operationName":"\\u0000"}', "operationName"),
        (
            b'{"query":"a","variables":{"input":{"tags":["ok","\\u0000"]}}}',
            "variables.input.tags[1]",
        ),
        (b'{"query":"a","variables":{"input":{"\\u0000":1}}}', "variables.input"),
    ],
)
def test_a_nul_character_is_refused_where_it_stands(body: bytes, where: str) -> None:
    with pytest.raises(BadUserInputError) as caught:
        parse_body(body)

    assert caught.value.message == f"`{where}`: text cannot hold the character U+0000."


def test_an_escaped_backslash_before_u0000_is_ordinary_text() -> None:
    request = parse_body(b'{"query":"a","variables":{"x":"C:\\\\u0000"}}')

    assert request.variables == {"x": "C:\\u0000"}


def test_brackets_in_a_text_are_no_nesting() -> None:
    text = "[{" * 5_000 + '\\"['
    body = b'{"query":"{ a }","variables":{"x":' + json.dumps(text).encode() + b',"y":[[]]}}'
    assert parse_body(body).variables == {"x": text, "y": [[]]}
    assert parse_body(b'{"query":"{ a }","variables":{"x":[' + b"[]," * 999 + b"[]]}}")


@pytest.mark.parametrize("name", ["", None])
def test_an_empty_name_of_an_operation_is_one_left_out(name: str | None) -> None:
    body = json.dumps({"query": "{ a }", "operationName": name}).encode()
    assert parse_body(body).operation_name is None
    assert parse_parameters(f"query=a&operationName={name or ''}").operation_name is None


def test_nesting_within_reason_is_read() -> None:
    assert parse_body(nested(MAX_JSON_DEPTH)).query == "{ a }"


@pytest.mark.parametrize(
    ("query_string", "message"),
    [
        ("", "`query`: expected a URL parameter with the document, got nothing."),
        ("query=", "`query`: expected a URL parameter with the document, got nothing."),
        ("query=a&query=b", "`query`: expected once, got it twice."),
        ("query=%FF", "The URL's parameters are not valid UTF-8."),
        ("query=ā", "The URL's parameters are not percent-encoded."),
        ("query=a&variables=[]", "`variables`: expected a JSON object."),
        ("query=a&variables={", "`variables`: expected a JSON object."),
        ("query=a&extensions=1", "`extensions`: expected a JSON object."),
        ("query=a" + "&x=1" * 40, "The URL has too many parameters."),
        (
            "query=a&variables=" + quote('{"x":' + "[" * DEEP),
            TOO_DEEP,
        ),
    ],
)
def test_url_parameters_that_are_no_request_are_told_what_is_wrong(
    query_string: str, message: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_parameters(query_string)

    assert caught.value.message == message


def test_a_nul_character_in_a_url_is_refused() -> None:
    with pytest.raises(BadUserInputError, match="`query`: text cannot hold"):
        parse_parameters("query=%00")


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner
        )
    ),
    max_leaves=10,
)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    st.none()
    | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), _values
    ),
)
def test_whatever_json_can_say_arrives_as_it_was_sent(
    query: str, variables: dict[str, object] | None
) -> None:
    body = json.dumps({"query": query, "variables": variables}).encode()

    assert parse_body(body) == GraphQLRequest(query, None, variables)


@given(st.binary())
def test_whatever_bytes_arrive_there_is_a_request_or_a_clear_refusal(body: bytes) -> None:
    found: object
    try:
        found = parse_body(body)
    except (BadRequestError, BadUserInputError) as refusal:
        found = str(refusal)
    assert isinstance(found, GraphQLRequest) or found
