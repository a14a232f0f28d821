"""DynamoDB's expressions: words of refusals, and evaluation against a model in plain Python.

Refusals as observed of DynamoDB by architect/dynalite's and ScyllaDB's tests.
"""

import copy
from base64 import b64decode, b64encode
from collections.abc import Callable
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maycloud.errors import AwsError
from maycloud.services.dynamodb.expressions import (
    KeyCondition,
    KeyConditions,
    Used,
    compile_condition,
    compile_projection,
    compile_update,
    legacy,
)
from maycloud.services.dynamodb.expressions.keyconditions import check_hash, choose
from maycloud.services.dynamodb.expressions.parser import Path
from maycloud.services.dynamodb.expressions.updates import add_numbers
from maycloud.services.dynamodb.keys import KeySchema
from maycloud.services.dynamodb.values import number

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


# The model: items as plain Python values tagged with their type, changed by rebuilding them


class Refused(Exception):
    """The model cannot make the update."""


def plain(value: Item) -> Any:
    """A tagged Python value. Sets must have no element twice."""
    ((kind, content),) = value.items()
    if kind in ("SS", "NS", "BS"):
        elements = frozenset(plain({kind[0]: each})[1] for each in content)
        assert len(elements) == len(content)
        return kind, elements
    if kind == "L":
        return kind, [plain(each) for each in content]
    if kind == "M":
        return kind, {name: plain(each) for name, each in content.items()}
    return kind, {"N": Fraction, "B": b64decode}.get(kind, lambda each: each)(content)


def within(item: dict[str, Any], path: Path) -> Any:
    """The value at a path, None where there is none."""
    value: Any = ("M", item)
    for element in path:
        if (value[0] == "L" and isinstance(element, int) and element < len(value[1])) or (
            value[0] == "M" and isinstance(element, str) and element in value[1]
        ):
            value = value[1][element]
        else:
            return None
    return value


def rebuilt(value: Any, edits: list[tuple[Path, Any]]) -> Any:
    """The value with others put at paths: None takes what is there away, KEEP only wants a way there."""
    if edits[0][0] == ():
        return value if edits[0][1] is KEEP else edits[0][1]
    if value is None or value[0] != ("L" if isinstance(edits[0][0][0], int) else "M"):
        raise Refused
    below: dict[Any, list[tuple[Path, Any]]] = {}
    for path, new in edits:
        below.setdefault(path[0], []).append((path[1:], new))
    kind, content = value
    if kind == "M":
        changed = content | {name: rebuilt(content.get(name), each) for name, each in below.items()}
        return kind, {name: each for name, each in changed.items() if each is not None}
    kept = [rebuilt(each, below[at]) if at in below else each for at, each in enumerate(content)]
    beyond = [rebuilt(None, below[at]) for at in sorted(below) if at >= len(content)]
    return kind, [each for each in kept + beyond if each is not None]


KEEP = object()
ORDERS: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
CONTENTS = ("S", "B", "N")
# Where items of the usual shape have numbers, sets, lists, and nothing.
NUMBERS: list[Path] = [("b",), ("m", "x"), ("l", 3)]
SETS: list[Path] = [("a",), ("m", "y"), ("l", 1)]
LISTS: list[Path] = [("m", "z"), ("l", 2, "y")]
NOTHING: list[Path] = [("m", "n"), ("m", "z", 8), ("m", "z", 9), ("l", 7), ("l", 9)]
PATHS = [*NUMBERS, *SETS, *LISTS, *NOTHING, ("l", 0), ("l", 2, "x")]

texts = st.text("aéb\uff5e😀", max_size=3)
binaries = st.binary(max_size=3).map(lambda each: b64encode(each).decode())
small = st.sampled_from(["0", "1", "-1", "2", "0.5", "-2.25", "10", "100000000000000000000.5"])
figures = st.builds(dict, N=small)
scalars = figures | st.builds(dict, S=texts) | st.builds(dict, B=binaries)
sets = st.one_of(
    st.builds(dict, SS=st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)),
    st.builds(dict, NS=st.lists(small, min_size=1, max_size=3, unique=True)),
    st.builds(dict, BS=st.lists(binaries, min_size=1, max_size=3, unique=True)),
)
flat = scalars | sets | st.builds(dict, BOOL=st.booleans()) | st.just({"NULL": True})
lists = st.builds(dict, L=st.lists(flat, max_size=3))
maps = st.builds(dict, M=st.dictionaries(st.sampled_from("xyz"), flat | lists, max_size=3))
anything = flat | lists | maps


def shaped(b: Item, a: Item, z: Item, inner: Item, more: list[Item]) -> Item:
    return {
        "a": a,
        "b": b,
        "m": {"M": {"x": b, "y": a, "z": z}},
        "l": {"L": [inner, a, {"M": {"x": inner, "y": z}}, b, *more]},
    }


usual = st.builds(shaped, figures, sets, lists, anything, st.lists(anything, max_size=2))
unusual = st.dictionaries(st.sampled_from("abml"), anything)
items = st.sampled_from([usual, usual, usual, usual, unusual]).flatmap(lambda each: each)

numbers = st.builds(
    lambda digits, exponent: number(f"{digits}e{exponent}"),
    st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-99, 99),
    st.integers(-60, 60) | st.just(0),
)


class Text:
    """Writes an expression, with placeholders at will."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.names: dict[str, str] = {}
        self.values: Item = {}

    def path(self, path: Path) -> str:
        written = ""
        for each in path:
            if isinstance(each, int):
                written += f"[{each}]"
                continue
            if self.draw(st.booleans()):
                self.names[f"#{each}_1"] = each
                each = f"#{each}_1"
            written += f".{each}" if written else each
        return written

    def value(self, value: Item) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = value
        return name


Holds = Callable[[dict[str, Any]], bool]


def ordered(operator: str, one: Any, other: Any) -> bool:
    if one is None or other is None or one[0] != other[0] or one[0] not in CONTENTS:
        return False
    return ORDERS[operator](one[1], other[1])


def contained(value: Any, part: Any) -> bool:
    if value is None:
        return False
    kind, content = value
    if kind == "L":
        return part in content
    if kind in ("SS", "NS", "BS"):
        return part[0] == kind[0] and part[1] in content
    return kind in ("S", "B") and part[0] == kind and part[1] in content


def sized(value: Any) -> Any:
    return None if value is None or value[0] in ("N", "BOOL", "NULL") else ("N", Fraction(len(value[1])))


WAYS = ["equal", "order", "paths", "between", "in", "exists", "type", "begins", "contains", "size"]
HOLDERS: list[Path] = [*SETS, ("l",), ("m", "z"), ("l", 0)]


def one_test(draw: Any, text: Text) -> tuple[str, Holds]:
    way = draw(st.sampled_from(WAYS))
    path = draw(st.sampled_from(HOLDERS if way == "contains" else PATHS))
    left = text.path(path)
    match way:
        case "equal":
            right, same = draw(anything), draw(st.booleans())
            written = f"{left} {'=' if same else '<>'} {text.value(right)}"
            return written, lambda item: (within(item, path) == plain(right)) is same
        case "order":
            operator, right, swap = draw(st.sampled_from(sorted(ORDERS))), draw(scalars), draw(st.booleans())
            value = text.value(right)
            if swap:
                return f"{value} {operator} {left}", lambda item: ordered(
                    operator, plain(right), within(item, path)
                )
            return f"{left} {operator} {value}", lambda item: ordered(
                operator, within(item, path), plain(right)
            )
        case "paths":
            other = draw(st.sampled_from([each for each in PATHS if each != path]))
            operator = draw(st.sampled_from(sorted(ORDERS)))
            written = f"{left}{operator}{text.path(other)}"
            return written, lambda item: ordered(operator, within(item, path), within(item, other))
        case "between":
            kind = draw(
                st.sampled_from([texts.map(lambda each: {"S": each}), small.map(lambda each: {"N": each})])
            )
            low, high = sorted((draw(kind), draw(kind)), key=plain)
            written = f"{left} BETWEEN {text.value(low)} aNd {text.value(high)}"
            return (
                written,
                lambda item: (
                    ordered(">=", within(item, path), plain(low))
                    and ordered("<=", within(item, path), plain(high))
                ),
            )
        case "in":
            options = draw(st.lists(anything, min_size=1, max_size=3))
            written = f"{left} in ({', '.join(text.value(each) for each in options)})"
            return written, lambda item: within(item, path) in [plain(each) for each in options]
        case "exists":
            there = draw(st.booleans())
            function = "attribute_exists" if there else "attribute_not_exists"
            return f"{function} ({left})", lambda item: (within(item, path) is not None) is there
        case "type":
            kind = draw(st.sampled_from(["S", "N", "SS", "L", "M", "BOOL", "NULL", "BS"]))
            written = f"attribute_type({left}, {text.value({'S': kind})})"
            return written, lambda item: (within(item, path) or ("",))[0] == kind
        case "begins":
            prefix = draw(st.builds(dict, S=texts) | st.builds(dict, B=binaries))
            kind, content = plain(prefix)
            written = f"begins_with({left}, {text.value(prefix)})"
            return (
                written,
                lambda item: (
                    (within(item, path) or ("",))[0] == kind and within(item, path)[1].startswith(content)
                ),
            )
        case "contains":
            part = draw(st.sampled_from([{"S": "a"}, {"N": "1"}, {"B": ""}]) | anything)
            written = f"contains({left}, {text.value(part)})"
            return written, lambda item: contained(within(item, path), plain(part))
        case _:
            count = draw(st.integers(0, 4))
            value = text.value({"N": str(count)})
            return f"size({left}) >= {value}", lambda item: ordered(
                ">=", sized(within(item, path)), ("N", Fraction(count))
            )


@st.composite
def conditions(draw: Any) -> tuple[str, dict[str, str], Item, Holds]:
    text = Text(draw)

    def condition(depth: int) -> tuple[str, Holds, int]:
        """Text, meaning, and how strongly it binds."""
        how = draw(st.sampled_from(["test", "and", "or", "not"])) if depth else "test"
        if how == "test":
            return *one_test(draw, text), 4
        binds = {"or": 1, "and": 2, "not": 3}[how]

        def inner() -> tuple[str, Holds]:
            written, holds, strength = condition(depth - 1)
            # Parentheses where needed, and sometimes where not.
            wrapped = strength < binds or (strength < 4 and draw(st.booleans()))
            return f"({written})" if wrapped else written, holds

        left, one = inner()
        if how == "not":
            return f"NOT {left}", lambda item: not one(item), 3
        right, other = inner()
        if how == "and":
            return f"{left} and {right}", lambda item: one(item) and other(item), 2
        return f"{left} OR {right}", lambda item: one(item) or other(item), 1

    written, holds, _ = condition(3)
    return written, text.names, text.values, holds


Compute = Callable[[dict[str, Any]], Any]


def wanted(value: Any) -> Any:
    if value is None:
        raise Refused
    return value


def summed(one: Any, other: Any, sign: int) -> Any:
    if one is None or one[0] != "N":
        raise Refused
    return "N", one[1] + sign * other[1]


def one_change(draw: Any, text: Text, path: Path) -> tuple[str, str, Compute]:
    """Section, clause, and from the old item what is at the path then. Most fit an item of the usual shape."""
    loose = not draw(st.sampled_from([False] + [True] * 15))
    left, there = text.path(path), [each for each in PATHS if each not in NOTHING]
    ways = ["put", "copy", "sum", "default", "append", "remove"]
    ways += ["number"] if loose or path in NUMBERS + NOTHING else []
    ways += ["more", "less"] if loose or path in SETS else []
    way = draw(st.sampled_from(ways))
    pools = {"sum": NUMBERS, "append": LISTS, "default": PATHS}
    other = draw(st.sampled_from(PATHS if loose else pools.get(way, there)))
    match way:
        case "put":
            value = draw(anything)
            return "SET", f"{left} = {text.value(value)}", lambda _: plain(value)
        case "copy":
            return "SET", f"{left} = {text.path(other)}", lambda item: wanted(within(item, other))
        case "sum":
            value, sign = {"N": draw(small)}, draw(st.sampled_from([1, -1]))
            written = f"{left}={text.path(other)}{'+' if sign > 0 else '-'}{text.value(value)}"
            return "SET", written, lambda item: summed(within(item, other), plain(value), sign)
        case "default":
            value = draw(anything)
            written = f"{left} = if_not_exists({text.path(other)}, {text.value(value)})"
            return "SET", written, lambda item: within(item, other) or plain(value)
        case "append":
            value = draw(lists)

            def appended(item: dict[str, Any]) -> Any:
                kind, content = wanted(within(item, other))
                return (kind, content + plain(value)[1]) if kind == "L" else wanted(None)

            return "SET", f"{left} = (list_append({text.path(other)}, {text.value(value)}))", appended
        case "remove":
            return "REMOVE", left, lambda _: None
        case "number":
            value = {"N": draw(small)}
            return (
                "ADD",
                f"{left} {text.value(value)}",
                lambda item: summed(within(item, path) or ("N", Fraction(0)), plain(value), 1),
            )
        case _:
            value = draw(sets)
            kind, content = plain(value)

            def changed(item: dict[str, Any]) -> Any:
                current = within(item, path)
                if current is None:
                    return (kind, content) if way == "more" else KEEP
                if current[0] != kind:
                    raise Refused
                if way == "more":
                    return kind, current[1] | content
                return (kind, current[1] - content) if current[1] - content else None

            return "ADD" if way == "more" else "DELETE", f"{left} {text.value(value)}", changed


@st.composite
def updates(draw: Any) -> tuple[str, dict[str, str], Item, Compute]:
    text = Text(draw)
    paths: list[Path] = []
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=6)):
        if not any(path[: len(each)] == each[: len(path)] for each in paths):
            paths.append(path)
    changes = [(path, *one_change(draw, text, path)) for path in paths]
    sections: dict[str, list[str]] = {}
    for _, section, clause, _ in changes:
        sections.setdefault(section, []).append(clause)
    written = " ".join(f"{section} {', '.join(clauses)}" for section, clauses in sections.items())

    def changed(item: dict[str, Any]) -> dict[str, Any]:
        return rebuilt(("M", item), [(path, compute(item)) for path, _, _, compute in changes])[1]

    return written, text.names, text.values, changed


# Against the model


@settings(max_examples=400, deadline=None)
@given(item=items, condition=conditions())
def test_conditions_hold_as_in_the_model(item: Item, condition: Any) -> None:
    text, names, values, expected = condition
    used = Used()
    predicate = compile_condition(text, names or None, values, "FilterExpression", used)
    used.check(names or None, values or None)
    before = copy.deepcopy(item)
    assert predicate(item) is expected({name: plain(value) for name, value in item.items()})
    assert item == before


@settings(max_examples=400, deadline=None)
@given(item=items, update=updates())
def test_updates_change_as_in_the_model(item: Item, update: Any) -> None:
    text, names, values, expected = update
    before, given_values = copy.deepcopy(item), copy.deepcopy(values)
    compiled = compile_update(text, names or None, values, Used())
    try:
        wanted = expected({name: plain(value) for name, value in item.items()})
    except Refused:
        refusal(lambda: compiled.apply(item))
    else:
        new = compiled.apply(item)
        assert {name: plain(value) for name, value in new.items()} == wanted
    assert item == before
    assert values == given_values


@settings(max_examples=400, deadline=None)
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
        ("a = " + ":n" + " " * 4091, "Expression size has exceeded the maximum allowed size; expression size: 4097"),
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
        ("((f(abort)))", "The expression has redundant parentheses;"),
        ("f(abort)", "Invalid function name; function: f"),
        ("size(abort)", MISUSED + "size"),
        ("#x = abort", RESERVED + "abort"),
        ("size(:x, a) = :n", VALUE + ":x"),
        ("a = a AND #x = :n", DISTINCT + "operator: =, first operand: [a]"),
    ],
)  # fmt: skip
def test_refused_conditions(text: str, message: str) -> None:
    assert (
        refusal(lambda: compile_condition(text, NAMES, VALUES)) == f"Invalid ConditionExpression: {message}"
    )


OVERLAP = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: "
CONFLICT = (
    "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: "
)


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


THINGS: Item = {
    "s": {"S": "h\uff5ello"}, "emoji": {"S": "h😀"}, "n": {"N": "12"}, "b": {"B": b64encode(b"h\xff\x01").decode()},
    "ss": {"SS": ["x", "y"]}, "ns": {"NS": ["1", "2"]}, "l": {"L": [{"N": "1"}, {"SS": ["x", "y"]}, {"L": []}]},
    "m": {"M": {"x": {"S": "1"}}}, "yes": {"BOOL": True}, "nil": {"NULL": True},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("s < :v", {"S": "h😀"}, True),  # by UTF-8, not by UTF-16
        ("emoji > s", None, True),
        ("s BETWEEN :v AND emoji", {"S": "h"}, True),
        ("n > :v", {"N": "9"}, True),
        ("n > :v", {"S": "1"}, False),
        ("b > :v", {"B": b64encode(b"h\x7f").decode()}, True),
        ("m > n", None, False),
        ("ss = :v", {"SS": ["y", "x"]}, True),
        ("l[1] = :v", {"SS": ["y", "x"]}, True),
        ("m = :v", {"M": {"x": {"S": "1"}}}, True),
        ("m = :v", {"M": {"x": {"N": "1"}}}, False),
        ("contains(s, :v)", {"S": "llo"}, True),
        ("contains(b, :v)", {"B": b64encode(b"\xff").decode()}, True),
        ("contains(ss, :v)", {"S": "y"}, True),
        ("contains(ss, :v)", {"SS": ["y"]}, False),
        ("contains(ns, :v)", {"S": "1"}, False),
        ("contains(l, :v)", {"SS": ["y", "x"]}, True),
        ("contains(l, :v)", {"L": []}, True),
        ("contains(n, :v)", {"N": "1"}, False),
        ("begins_with(b, :v)", {"B": b64encode(b"h\xff").decode()}, True),
        ("begins_with(:v, s)", {"S": "h\uff5ello!"}, True),
        ("begins_with(n, :v)", {"S": "1"}, False),
        ("size(s) = :v", {"N": "5"}, True),
        ("size(b) = :v", {"N": "3"}, True),
        ("size(m) < size(ns)", None, True),
        ("size(n) < :v", {"N": "9"}, False),
        ("attribute_type(nil, :v)", {"S": "NULL"}, True),
        ("attribute_type(:v, :v)", {"S": "S"}, True),
        ("yes = :v", {"BOOL": True}, True),
        ("n IN (s, :v, b)", {"N": "12"}, True),
        ("(n) = :v AND ((m.x) <> :v)", {"N": "12"}, True),
        ("yes = :v OR n = :v AND s = :v", {"BOOL": True}, True),
        ("NOT s = :v AND n = :v", {"N": "13"}, False),
    ],
)
def test_what_conditions_say(text: str, value: Item | None, holds: bool) -> None:
    values = None if value is None else {":v": value}
    assert compile_condition(text, None, values)(THINGS) is holds


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
    update = compile_update("SET a.c[1] = :n, a.b = :s, a.d = :n REMOVE z", None, VALUES)
    assert update.pick(item) == {"a": {"M": {"b": {"S": "x"}, "c": numbered(2)}}}
    assert update.pick(update.apply(item)) == {
        "a": {"M": {"b": {"S": "a"}, "c": numbered(1), "d": {"N": "1"}}}
    }
    assert update.paths == [("a", "c", 1), ("a", "b"), ("a", "d"), ("z",)]


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
    inner = {
        "b": {"L": [{"N": "2"}, {"N": "4"}, {"M": {"x": {"S": "hi"}, "y": {"S": "yo"}}}]},
        "c": {"N": "5"},
    }
    item = {"a": {"M": inner}, "a.b": {"S": "hi"}}
    assert compile_projection(text, {"#s": "a.b"}, Used())(item) == expected


# Key conditions


def key_condition(text: str, range_name: str | None = "r") -> KeyCondition:
    tests = KeyConditions(text, {"#h": "h"}, VALUES, Used()).tests(2)
    schema = KeySchema("h", "S", range_name, "N" if range_name else "")
    check_hash(tests, schema)
    return choose(tests, schema)


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
    assert key_condition(text) == KeyCondition(({"S": "a"},), operator, operands)


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
        ({"ComparisonOperator": "LT"},
         "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"),
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
