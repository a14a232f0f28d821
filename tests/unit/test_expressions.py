"""DynamoDB's expressions: words of refusals, and evaluation against a model in plain Python.

Refusals as observed of DynamoDB by architect/dynalite's and ScyllaDB's tests.
"""

import copy
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression_model import Refused, conditions, items, numbers, plain, updates
from maycloud.errors import AwsError
from maycloud.services.dynamodb.expressions import (
    KeyCondition,
    Used,
    compile_condition,
    compile_key_condition,
    compile_projection,
    compile_update,
    legacy,
)
from maycloud.services.dynamodb.expressions.updates import add_numbers

Item = dict[str, Any]
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
BAD_PATH = "The document path provided in the update expression is invalid for update"
MISSING = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
MISMATCH = "Type mismatch for attribute to update"
INVALID = "One or more parameter values were invalid: "
VALUES: Item = {
    ":s": {"S": "a"}, ":t": {"S": "b"}, ":n": {"N": "1"}, ":b": {"B": "YQ=="}, ":bool": {"BOOL": True},
    ":null": {"NULL": True}, ":ss": {"SS": ["a"]}, ":ns": {"NS": ["1"]}, ":l": {"L": []}, ":m": {"M": {}},
}  # fmt: skip
NAMES = {"#a": "a", "#b": "b", "#c": "c", "#d": "[3]"}


def refusal(work: Callable[[], Any]) -> str:
    with pytest.raises(AwsError) as caught:
        work()
    assert caught.value.code == "ValidationException"
    return caught.value.message


# Against the model


@given(item=items, condition=conditions)
def test_conditions_hold_as_in_the_model(item: Item, condition: Any) -> None:
    text, names, values, expected = condition
    used = Used()
    predicate = compile_condition(text, names, values, "FilterExpression", used)
    used.check(names or None, values or None)
    before = copy.deepcopy(item)
    assert predicate(item) is expected({name: plain(value) for name, value in item.items()})
    assert item == before


@given(item=items, update=updates)
def test_updates_change_as_in_the_model(item: Item, update: Any) -> None:
    text, names, values, expected = update
    before, given_values = copy.deepcopy(item), copy.deepcopy(values)
    compiled = compile_update(text, names, values, Used())
    try:
        wanted = expected({name: plain(value) for name, value in item.items()})
    except Refused:
        refusal(lambda: compiled.apply(item))
    else:
        new = compiled.apply(item)
        assert {name: plain(value) for name, value in new.items()} == wanted
    assert item == before
    assert values == given_values


@given(one=numbers, other=numbers, minus=st.booleans())
def test_arithmetic_is_exact_or_refused(one: str, other: str, minus: bool) -> None:
    exact = Fraction(one) - Fraction(other) if minus else Fraction(one) + Fraction(other)
    try:
        total = add_numbers(one, other, minus=minus)
    except AwsError as error:
        assert error.message == OVERFLOW
        scaled = abs(exact * 10**130)
        digits = str(scaled.numerator).rstrip("0")
        assert scaled.denominator == 1
        assert len(digits) > 38 or abs(exact) >= 10**126
    else:
        assert Fraction(total) == exact
        assert total == "0" or (not total.startswith(("0", "-0")) or total.lstrip("-").startswith("0."))
        assert "." not in total or not total.endswith("0")
        assert len(total.replace(".", "").lstrip("-0").rstrip("0")) <= 38


# Words of refusals


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("foo", "<EOF>", "foo"),
        ("a != :s", "!", "a !="),
        ("_a = :s", "_", "_a"),
        ("a = :s AND __typename = :s", "_", "AND __"),
        ("[object Object]", "[", "[object"),
        ("a IN ()", ")", "()"),
        ("a AND OR (b)", "AND", "a AND OR"),
        ("(a)", ")", "a)"),
        ("(a = :s", "<EOF>", ":s"),
        ("a = :s)", ")", ":s)"),
        ("a = 1", "1", "= 1"),
        ("a-b = :s", "-", "a-b"),
        ("a[:n] = :s", ":n", "[:n]"),
        ("a = :hi!there", "!", ":hi!there"),
        ("a BETWEEN :s OR :t", "OR", ":s OR :t"),
    ],
)
def test_syntax_errors_show_what_is_near(text: str, token: str, near: str) -> None:
    expected = f'Invalid ConditionExpression: Syntax error; token: "{token}", near: "{near}"'
    assert refusal(lambda: compile_condition(text, NAMES, VALUES)) == expected


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        ("ADD hits : incr", ":", "hits : incr"),
        ("SET _123 = :n", "_", "SET _123"),
        ("SET path = VALUE 1", "1", "VALUE 1"),
        ("set {0} = :n", "{", "set {0"),
        ("SET a = :s, #, = :t", "#", ", #,"),
        ("SET a = b + c + d", "+", "c + d"),
        ("SET a = (b.c).d + e", ".", ").d"),
        ("SET a = if_not_exists(c, :n + :n)", "+", ":n + :n"),
        ("SET a = set", "set", "= set"),
        ("SET :s = b", ":s", "SET :s ="),
        ("SET if_not_exist(a, b) = a", "(", "if_not_exist(a"),
        ("SET a = b / c", "/", "b / c"),
        ("SET hi-there = :s", "-", "hi-there"),
        ("REMOVE a b", "b", "a b"),
        ("DELETE a if_not_exist(b)", "if_not_exist", "a if_not_exist("),
        ("SET a", "<EOF>", "a"),
    ],
)
def test_syntax_errors_of_updates(text: str, token: str, near: str) -> None:
    expected = f'Invalid UpdateExpression: Syntax error; token: "{token}", near: "{near}"'
    assert refusal(lambda: compile_update(text, NAMES, VALUES)) == expected


OPERAND = "Incorrect operand type for operator or function; operator or function: "
BETWEEN = "lower bound operand: AttributeValue: "
NAME = "An expression attribute name used in the document path is not defined; attribute name: "
VALUE = "An expression attribute value used in expression is not defined; attribute value: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "
COUNT = "Incorrect number of operands for operator or function; operator or function: "
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("a = " + ":n" + " " * 4090, "Expression size has exceeded the maximum allowed size; expression size: 4096"),
        ("((a = :n))", "The expression has redundant parentheses;"),
        ("a = ((:n))", "The expression has redundant parentheses;"),
        ("(" * 2000 + "a = :n" + ")" * 2000, "The expression has redundant parentheses;"),
        ("abort = :n", RESERVED + "abort"),
        ("a.Year = :n", RESERVED + "Year"),
        ("set = :n", RESERVED + "set"),
        ("#x = :x", NAME + "#x"),
        ("a = :x AND #x = :n", VALUE + ":x"),
        ("f(a)", "Invalid function name; function: f"),
        ("BEGINS_WITH(a, :s)", "Invalid function name; function: BEGINS_WITH"),
        ("a < " + "f(" * 1355 + "b" + ")" * 1355, "Invalid function name; function: f"),
        ("if_not_exists(a, b) = :n", "The function is not allowed in a condition expression; function: if_not_exists"),
        ("size(a)", MISUSED + "size"),
        ("a = :n OR size(a)", MISUSED + "size"),
        ("attribute_exists(a) < :n", MISUSED + "attribute_exists"),
        ("begins_with(attribute_exists(a), :s)", MISUSED + "attribute_exists"),
        ("size(a, b) = :n", COUNT + "size, number of operands: 2"),
        ("attribute_exists(a, b)", COUNT + "attribute_exists, number of operands: 2"),
        ("attribute_exists(:s)", "Operator or function requires a document path; operator or function: attribute_exists"),
        ("#a = a", DISTINCT + "operator: =, first operand: [a]"),
        ("contains(a.b[1], a.#b[1])", DISTINCT + "operator: contains, first operand: [a, b, [1]]"),
        ("a < :l", OPERAND + "<, operand type: L"),
        (":ss >= a", OPERAND + ">=, operand type: SS"),
        ("begins_with(a, :n)", OPERAND + "begins_with, operand type: N"),
        ("begins_with(a, size(b))", OPERAND + "begins_with, operand type: N"),
        ("size(:n) = :n", OPERAND + "size, operand type: N"),
        ("size(size(a)) = :n", OPERAND + "size, operand type: N"),
        ("attribute_type(a, :n)", OPERAND + "attribute_type, operand type: N"),
        ("attribute_type(a, b)", OPERAND + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        ("attribute_type(a, :s)", "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        ("a BETWEEN :l AND :l", OPERAND + "BETWEEN, operand type: L"),
        ("a BETWEEN :t AND :s", "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
         + BETWEEN + "{S:b}, upper bound operand: AttributeValue: {S:a}"),
        ("a BETWEEN :n AND :s", "The BETWEEN operator requires same data type for lower and upper bounds; "
         + BETWEEN + "{N:1}, upper bound operand: AttributeValue: {S:a}"),
        ("a IN (" + ",".join([":n"] * 101) + ")", "The IN operator is provided with too many operands; number of operands: 101"),
        ("a<b" + " or (a<b" * 454 + ")" * 454, "The expression contains too many operators; operator count: 301"),
        ("not " * 301 + "a<b", "The expression contains too many operators; operator count: 301"),
        # What goes before what
        ("((abort(a)))", "Syntax error; token: \")\", near: \")))\"" if False else "The expression has redundant parentheses;"),
        ("f(abort)", "Invalid function name; function: f"),
        ("size(abort)", MISUSED + "size"),
        ("#x = abort", RESERVED + "abort"),
        ("size(:x, a) = :n", VALUE + ":x"),
        ("a = a AND #x = :n", DISTINCT + "operator: =, first operand: [a]"),
    ],
)  # fmt: skip
def test_refused_conditions(text: str, message: str) -> None:
    assert refusal(lambda: compile_condition(text, NAMES, VALUES)) == f"Invalid ConditionExpression: {message}"


OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
CONFLICT = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The expression can not be empty;"),
        ("set #c = :c set abOrt = true", RESERVED + "abOrt"),
        ("set #c = if_not_exist(:c) set c = d", "Invalid function name; function: if_not_exist"),
        ("set a = size(b)", "The function is not allowed in an update expression; function: size"),
        ("remove #z set a = b remove e", 'The "REMOVE" section can only be used once in an update expression;'),
        ("SET #z = if_not_exists(:z)", NAME + "#z"),
        ("SET #a = if_not_exists(:z)", VALUE + ":z"),
        ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", OVERLAP + "[c, [1], a], path two: [c]"),
        ("set #c[3].#d = a, #c[3] = a", OVERLAP + "[c, [3], [3]], path two: [c, [3]]"),
        ("remove a, #c, a, #d", OVERLAP + "[a], path two: [a]"),
        ("set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", CONFLICT + "[c, [3], [3]], path two: [c, [3], [3]]"),
        ("remove a.#c set a[1] = #d", CONFLICT + "[a, c], path two: [a, [1]]"),
        ("set b = list_append(:s, a), c = if_not_exists(a) add a.b :s",
         "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"),
        ("delete a.b :n", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
        ("add a :l", "Incorrect operand type for operator or function; operator: ADD, operand type: LIST"),
        ("set a = if_not_exists(c)", COUNT + "if_not_exists, number of operands: 1"),
        ("set a = if_not_exists(:s, c)", "Operator or function requires a document path; operator or function: if_not_exists"),
        ("set a = if_not_exists(if_not_exists(a, b), c)", "Operator or function requires a document path; operator or function: if_not_exists"),
        ("set a = list_append(:s, a)", OPERAND + "list_append, operand type: S"),
        ("set a = a + :m", OPERAND + "+, operand type: M"),
        ("set a = :b - a", OPERAND + "-, operand type: B"),
        ("set a = list_append(list_append(:l, :l), :l)", MISUSED + "list_append"),
    ],
)  # fmt: skip
def test_refused_updates(text: str, message: str) -> None:
    assert refusal(lambda: compile_update(text, NAMES, VALUES)) == f"Invalid UpdateExpression: {message}"


def test_refused_projections() -> None:
    def said(text: str) -> str:
        return refusal(lambda: compile_projection(text, NAMES, Used()))

    kind = "Invalid ProjectionExpression: "
    assert said("a, a.b") == f"{kind}{OVERLAP}[a], path two: [a, b]"
    assert said("a.b, a[1]") == f"{kind}{CONFLICT}[a, b], path two: [a, [1]]"
    assert said("a,") == f'{kind}Syntax error; token: "<EOF>", near: ","'
    assert said("#x, abort") == f"{kind}{RESERVED}abort"
    assert said("#x, a, a") == f"{kind}{NAME}#x"


def test_names_and_values_must_be_right_and_used() -> None:
    used = Used()
    compile_condition("#a = :n", NAMES, VALUES, used=used)
    names = "Value provided in ExpressionAttributeNames unused in expressions: keys: "
    assert refusal(lambda: used.check(NAMES, VALUES)) == f"{names}{{#b, #c, #d}}"
    values = "Value provided in ExpressionAttributeValues unused in expressions: keys: "
    assert refusal(lambda: used.check({"#a": "a"}, {":n": {}, ":x": {}})) == f"{values}{{:x}}"
    assert refusal(lambda: Used().check({}, None)) == "ExpressionAttributeNames must not be empty"
    # Invalid names go before anything in the expression.
    key = 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'
    assert refusal(lambda: compile_update("", {"a": "a"}, None)) == key


# What the model does not say


@pytest.mark.parametrize("text", ["a <> b", "NOT a = b", "NOT a < b", "NOT a BETWEEN b AND c"])
def test_what_is_not_there_equals_nothing(text: str) -> None:
    assert compile_condition(text, None, None)({}) is True


def test_conditions_nest_by_the_hundred() -> None:
    text = "a<b" + " or (a<b" * 149 + ")" * 149
    assert compile_condition(text, None, None)({"a": {"N": "1"}, "b": {"N": "2"}}) is True


def test_deep_operands_of_updates() -> None:
    text = "SET a = " + "if_not_exists(b," * 239 + ":n" + ")" * 239
    assert compile_update(text, None, VALUES).apply({}) == {"a": {"N": "1"}}


def test_binaries_are_compared_by_their_bytes() -> None:
    item = {"a": {"B": "YR=="}, "s": {"BS": ["YR=="]}}  # both ways of writing mean the byte 61
    values = {":b": {"B": "YQ=="}, ":s": {"BS": ["YQ=="]}}
    assert compile_condition("a = :b AND contains(s, :b) AND s = :s", None, values)(item)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET c = z", MISSING),
        ("SET x = :n, y = x", MISSING),
        ("SET a.c = :n", BAD_PATH),
        ("SET l.c = :n", BAD_PATH),
        ("SET z[0] = :n", BAD_PATH),
        ("REMOVE z.a", BAD_PATH),
        ("DELETE z.a :ss", BAD_PATH),
        ("DELETE l.a :ss", BAD_PATH),
        ("ADD a.b :n", BAD_PATH),
        ("ADD a :n", WRONG_TYPE),
        ("DELETE a :ss", WRONG_TYPE),
        ("SET n = a + :n", WRONG_TYPE),
        ("SET n = list_append(a, :l)", WRONG_TYPE),
        ("SET n = big + :n", OVERFLOW),
        ("SET n = huge + huge", OVERFLOW),
        ("ADD huge :huge", OVERFLOW),
    ],
)
def test_updates_that_do_not_fit_the_item(text: str, message: str) -> None:
    huge = {"N": "9" + "0" * 125}
    item = {"a": {"S": "x"}, "l": {"L": []}, "big": {"N": "1" + "0" * 50}, "huge": huge}
    assert refusal(lambda: compile_update(text, None, VALUES | {":huge": huge}).apply(item)) == message


def numbered(*contents: int) -> Item:
    return {"L": [{"N": str(each)} for each in contents]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("REMOVE a[1] SET a[3] = :n", numbered(2, 4, 1, 6, 7)),
        ("SET a[84] = b[0], a[37] = b[1], a[17] = :n", numbered(2, 3, 4, 5, 6, 7, 1, 9, 8)),
        ("REMOVE a[0], a[2], a[17]", numbered(3, 5, 6, 7)),
        ("SET a = list_append(if_not_exists(z, :l), b)", numbered(8, 9)),
    ],
)
def test_lists(text: str, expected: Item) -> None:
    item = {"a": numbered(2, 3, 4, 5, 6, 7), "b": numbered(8, 9)}
    assert compile_update(text, None, VALUES).apply(item)["a"] == expected


def test_a_set_emptied_in_a_list_does_not_move_what_else_is_changed() -> None:
    item = {"a": {"L": [{"SS": ["a"]}, {"SS": ["a", "b"]}, {"S": "gone"}]}}
    update = compile_update("DELETE a[0] :ss, a[1] :ss REMOVE a[2]", None, VALUES)
    assert update.apply(item) == {"a": {"L": [{"SS": ["b"]}]}}


def test_an_update_copies_only_what_it_changes() -> None:
    item = {"m": {"M": {"x": numbered(1), "y": numbered(2)}}, "n": {"M": {}}}
    new = compile_update("SET m.x[0] = :n", None, VALUES).apply(item)
    assert new["m"]["M"]["y"] is item["m"]["M"]["y"]
    assert new["n"] is item["n"]
    assert new["m"]["M"]["x"] is not item["m"]["M"]["x"]


def test_updated_attributes_are_picked() -> None:
    item = {"a": {"M": {"b": {"S": "x"}, "c": numbered(1, 2, 3)}}, "d": {"S": "y"}}
    update = compile_update("SET a.c[1] = :n, a.b = :s, a.new = :n REMOVE z", None, VALUES)
    assert update.pick(item) == {"a": {"M": {"b": {"S": "x"}, "c": numbered(2)}}}
    assert update.pick(update.apply(item)) == {
        "a": {"M": {"b": {"S": "a"}, "c": numbered(1), "new": {"N": "1"}}}
    }
    assert update.paths == [("a", "c", 1), ("a", "b"), ("a", "new"), ("z",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b[0], a.b[2].y", {"a": {"M": {"b": {"L": [{"N": "2"}, {"M": {"y": {"S": "yo"}}}]}}}}),
        ("a.c, #s", {"a": {"M": {"c": {"N": "5"}}}, "a.b": {"S": "hi"}}),
        ("a.b[3], a.b[0].x, a.x.y, z", {}),
        ("a[0]", {}),
    ],
)
def test_projections(text: str, expected: Item) -> None:
    inner = {"b": {"L": [{"N": "2"}, {"N": "4"}, {"M": {"x": {"S": "hi"}, "y": {"S": "yo"}}}]}, "c": {"N": "5"}}
    item = {"a": {"M": inner}, "a.b": {"S": "hi"}}
    assert compile_projection(text, {"#s": "a.b"}, Used())(item) == expected


# Key conditions


def key_condition(text: str, range_name: str | None = "r") -> KeyCondition:
    return compile_key_condition(text, {"#h": "h"}, VALUES, "h", range_name, Used())


@pytest.mark.parametrize(
    ("text", "operator", "operands"),
    [
        ("#h = :s", None, ()),
        (":s = h AND :n < r", ">", ({"N": "1"},)),
        ("((r >= :n) AND (h = :s))", ">=", ({"N": "1"},)),
        ("h = :s aNd r BeTwEeN :s AND :t", "between", ({"S": "a"}, {"S": "b"})),
        ("begins_with(r, :t) AND h = :s", "begins_with", ({"S": "b"},)),
    ],
)
def test_key_conditions(text: str, operator: str | None, operands: tuple[Item, ...]) -> None:
    assert key_condition(text) == KeyCondition({"S": "a"}, operator, operands)


CONDITION = "Invalid condition in KeyConditionExpression: "
OPERATOR = "Invalid operator used in KeyConditionExpression: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a > b and size(b) > c or a > c", OPERATOR + "OR"),
        ("a in (b, size(c), d)", OPERATOR + "IN"),
        ("attribute_exists(a)", OPERATOR + "attribute_exists"),
        ("contains(a.d, b)", OPERATOR + "contains"),
        ("not a > b", OPERATOR + "NOT"),
        ("a <> b", OPERATOR + "<>"),
        (":s between size(b) and size(a) and b > :t",
         CONDITION + "BETWEEN operator must have the key attribute as its first operand"),
        ("begins_with(:s, b) and a > :t",
         CONDITION + "begins_with operator must have the key attribute as its first operand"),
        ("size(b) > a AND a.b > b", "KeyConditionExpressions cannot contain nested operations"),
        ("a between size(b) and size(a)", "KeyConditionExpressions cannot contain nested operations"),
        ("b > a.b", CONDITION + "Multiple attribute names used in one condition"),
        ("a between b and size(a)", CONDITION + "Multiple attribute names used in one condition"),
        ("b[0] > a", "KeyConditionExpressions cannot have conditions on nested attributes"),
        (":s > :t AND a < :s", CONDITION + "No key attribute specified"),
        ("(a > :n and b > :n) and (b > :n and c > :n)", "KeyConditionExpressions must only contain one condition per key"),
        ("h = :s AND r > :n AND c > :n", "Conditions can be of length 1 or 2 only"),
        ("r = :n", "Query condition missed key schema element: h"),
        ("h = :s AND c > :n", "Query condition missed key schema element: r"),
        ("h > :s", "Query key condition not supported"),
        ("attribute_type(a, b)", "Invalid KeyConditionExpression: " + OPERAND
         + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        ("h = :s AND begins_with(r, :n)", "Invalid KeyConditionExpression: " + OPERAND + "begins_with, operand type: N"),
    ],
)  # fmt: skip
def test_refused_key_conditions(text: str, message: str) -> None:
    assert refusal(lambda: key_condition(text)) == message


def test_a_table_without_sort_key_has_no_second_condition() -> None:
    assert refusal(lambda: key_condition("h = :s AND r = :n", None)) == "Query key condition not supported"


# Their forerunners


def test_old_and_new_parameters_do_not_mix() -> None:
    params = {"FilterExpression": "a", "ProjectionExpression": "a", "QueryFilter": {}, "KeyConditions": {}}
    assert refusal(lambda: legacy.refuse_mixed(params)) == (
        "Can not use both expression and non-expression parameters in the same request: Non-expression"
        " parameters: {QueryFilter, KeyConditions} Expression parameters: {ProjectionExpression, FilterExpression}"
    )
    legacy.refuse_mixed({"Expected": {}, "ConditionalOperator": "OR"})
    legacy.refuse_mixed({"ConditionExpression": "a", "Expected": None})


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({}, "Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, "Value must be provided when Exists is true for Attribute: a"),
        ({"Exists": False, "Value": {"S": "a"}}, "Value cannot be used when Exists is false for Attribute: a"),
        ({"Exists": True, "ComparisonOperator": "NULL"}, "Exists and ComparisonOperator cannot be used together for Attribute: a"),
        ({"ComparisonOperator": "NULL", "Value": {"S": "a"}}, "Invalid number of argument(s) for the NULL ComparisonOperator"),
        ({"ComparisonOperator": "IN", "AttributeValueList": []}, "Invalid number of argument(s) for the IN ComparisonOperator"),
        ({"ComparisonOperator": "BETWEEN", "Value": {"S": "a"}}, "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    ],
)  # fmt: skip
def test_refused_expectations(condition: Item, message: str) -> None:
    assert refusal(lambda: legacy.expected({"a": condition}, None)) == INVALID + message


def test_expectations() -> None:
    def holds(item: Item, operator: str | None = None, **given: Item) -> bool:
        predicate = legacy.expected(given, operator)
        assert predicate is not None
        return predicate(item)

    item = {"a": {"N": "5"}, "b": {"S": "hello"}}
    five, at_least = {"Value": {"N": "5"}}, {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "6"}]}
    assert holds(item, a=five, z={"Exists": False})
    assert not holds(item, a=at_least, b={"ComparisonOperator": "NOT_NULL"})
    assert holds(item, "OR", a=at_least, b={"ComparisonOperator": "NOT_NULL"})
    assert holds(item, b={"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "he"}]})
    assert not holds(item, z={"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "he"}]})


def test_attribute_updates() -> None:
    item: Item = {"n": {"N": "1"}, "s": {"SS": ["a", "b"]}, "l": numbered(1), "x": {"S": "gone"}}
    changes = {
        "n": {"Action": "ADD", "Value": {"N": "1.5"}},
        "s": {"Action": "DELETE", "Value": {"SS": ["a"]}},
        "l": {"Action": "ADD", "Value": numbered(2)},
        "x": {"Action": "DELETE"},
        "y": {"Value": {"S": "put"}},
    }
    expected = {"n": {"N": "2.5"}, "s": {"SS": ["b"]}, "l": numbered(1, 2), "y": {"S": "put"}}
    assert legacy.attribute_updates(changes).apply(item) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Action": "ADD"}, INVALID + "Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "DELETE", "Value": {"S": "1"}}, INVALID + "DELETE action with value is not supported for the type S"),
        ({"Action": "ADD", "Value": {"B": "YQ=="}}, INVALID + "ADD action is not supported for the type B"),
        ({"Action": "DELETE", "Value": {"NS": ["1"]}}, MISMATCH),
        ({"Action": "ADD", "Value": {"N": "1"}}, MISMATCH),
        ({"Action": "ADD", "Value": {"L": []}}, MISMATCH),
    ],
)  # fmt: skip
def test_refused_attribute_updates(change: Item, message: str) -> None:
    item = {"a": {"SS": ["1"]}}
    assert refusal(lambda: legacy.attribute_updates({"a": change}).apply(item)) == message
