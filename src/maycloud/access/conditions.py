"""Patterns, policy variables and Condition blocks, compiled to functions of a request's context.

A context maps condition keys in lower case to str, bool, number, datetime, bytes, or a list of those.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import base64
import binascii
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, NamedTuple

from maycloud.errors import AwsError

Context = Mapping[str, Any]
Match = Callable[[str], bool]
Test = Callable[[Any, Context], bool]  # does one value of the request match any value of the policy?


def malformed(message: str = "Syntax errors in policy.") -> AwsError:
    return AwsError("MalformedPolicyDocument", message)


class Wild(Enum):
    STAR = "*"
    ANY = "?"


class Variable(NamedTuple):
    key: str
    default: str | None


Fixed = str | Wild
Token = str | Wild | Variable

# Without "{" in a variable's name a run of unclosed "${" is scanned once, not once per opening.
_SPECIAL = re.compile(r"\$\{([^{}]*)\}|[*?]")


def tokenize(text: str, *, variables: bool, wildcards: bool = True) -> list[Token]:
    """Split into literal text, wildcards and variables; those not asked for stay literal text."""
    tokens: list[Token] = []
    literal, start = "", 0
    for found in _SPECIAL.finditer(text):
        name = found[1]
        if not (wildcards if name is None else variables):
            continue
        literal += text[start : found.start()]
        start = found.end()
        if name in ("*", "?", "$"):
            literal += name
            continue
        if literal:
            tokens.append(literal)
            literal = ""
        tokens.append(Wild(found[0]) if name is None else _variable(name))
    literal += text[start:]
    if literal:
        tokens.append(literal)
    return tokens


def _variable(inside: str) -> Variable:
    key, _, default = inside.partition(",")
    default = default.strip()
    quoted = len(default) > 1 and default[0] == default[-1] == "'"
    return Variable(key.strip().lower(), default[1:-1] if quoted else None)


def resolve(tokens: Iterable[Token], context: Context) -> list[Fixed] | None:
    """Replace variables by their values, which are literal text. None if one has no single value.

    AWS: such a variable is null, and nothing equals it or is like it.
    """
    fixed: list[Fixed] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = text_of(context.get(token.key))
            value = token.default if value is None else value
            if value is None:
                return None
            fixed.append(value)
        else:
            fixed.append(token)
    return fixed


def text_of(value: Any) -> str | None:
    """A context value as policies write it; None for none or several."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, list | tuple | set | frozenset):
        return text_of(next(iter(value))) if len(value) == 1 else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if value is None else str(value)


class _Plain:
    """A run of literal text between two stars."""

    __slots__ = ("size", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.size = len(text)

    def at(self, text: str, position: int) -> bool:
        return text.startswith(self.text, position)

    def after(self, text: str, position: int) -> int:
        found = text.find(self.text, position)
        return found + self.size if found >= 0 else -1


class _Masked:
    """A run with question marks. Its expression has no repeats, so that there is nothing to backtrack."""

    __slots__ = ("expression", "size")

    def __init__(self, run: Sequence[Fixed]) -> None:
        self.size = sum(len(token) if isinstance(token, str) else 1 for token in run)
        source = "".join(re.escape(token) if isinstance(token, str) else "." for token in run)
        self.expression = re.compile(source, re.DOTALL)

    def at(self, text: str, position: int) -> bool:
        return self.expression.match(text, position) is not None

    def after(self, text: str, position: int) -> int:
        found = self.expression.search(text, position)
        return found.end() if found is not None else -1


def glob(tokens: Sequence[Fixed]) -> Match:
    """Whether a whole text matches. Every star is decided once: the leftmost fit leaves most room."""
    runs: list[list[Fixed]] = [[]]
    for token in tokens:
        if token is Wild.STAR:
            runs.append([])
        else:
            runs[-1].append(token)
    parts = [_Masked(run) if Wild.ANY in run else _Plain("".join(map(str, run))) for run in runs]
    first, last, middle = parts[0], parts[-1], [part for part in parts[1:-1] if part.size]
    if len(parts) == 1:
        if isinstance(first, _Plain):
            return first.text.__eq__
        return lambda text: len(text) == first.size and first.at(text, 0)
    if not middle and not last.size and isinstance(first, _Plain):
        prefix = first.text
        return lambda text: text.startswith(prefix)
    least = sum(part.size for part in parts)

    def matches(text: str) -> bool:
        stop = len(text) - last.size
        if len(text) < least or not first.at(text, 0) or not last.at(text, stop):
            return False
        position = first.size
        for part in middle:
            position = part.after(text, position)
            if position < 0 or position > stop:
                return False
        return True

    return matches


def arn_glob(tokens: Sequence[Fixed]) -> Match:
    """As `glob`, but each of an ARN's six parts by itself: a star does not reach over a colon."""
    if list(tokens) == [Wild.STAR]:
        return lambda _: True
    parts: list[list[Fixed]] = [[]]
    for token in tokens:
        if isinstance(token, Wild):
            parts[-1].append(token)
            continue
        head, *more = token.split(":", 6 - len(parts))
        parts[-1].append(head)
        parts.extend([piece] for piece in more)
    globs = [glob(part) for part in parts]

    def matches(text: str) -> bool:
        pieces = text.split(":", 5)
        return len(globs) == len(pieces) == 6 and all(
            match(piece) for match, piece in zip(globs, pieces, strict=True)
        )

    return matches


class Patterns:
    """Alternatives: literal ones in a set, patterns compiled, those with variables built per request."""

    __slots__ = ("_build", "_dynamic", "_everything", "_fold", "_globs", "_literals")

    def __init__(
        self,
        texts: Iterable[str],
        *,
        variables: bool,
        wildcards: bool = True,
        fold: bool = False,
        build: Callable[[Sequence[Fixed]], Match] = glob,
    ) -> None:
        """With `fold`, upper and lower case are the same. `build` makes the match of one alternative."""
        self._build = build
        self._fold = fold
        self._everything = False
        self._dynamic: list[list[Token]] = []
        literals: set[str] = set()
        globs: list[Match] = []
        for text in texts:
            tokens = tokenize(text, variables=variables, wildcards=wildcards)
            fixed = self._folded([token for token in tokens if not isinstance(token, Variable)])
            if len(fixed) < len(tokens):
                self._dynamic.append(tokens)
            elif fixed == [Wild.STAR]:
                self._everything = True
            elif all(isinstance(token, str) for token in fixed):
                literals.add("".join(map(str, fixed)))
            else:
                globs.append(build(fixed))
        self._literals = frozenset(literals)
        self._globs = tuple(globs)

    def _folded(self, tokens: list[Fixed]) -> list[Fixed]:
        if not self._fold:
            return tokens
        return [token.lower() if isinstance(token, str) else token for token in tokens]

    def match(self, text: str, context: Context) -> bool:
        """With `fold`, `text` must be in lower case already."""
        if self._everything or text in self._literals:
            return True
        for match in self._globs:
            if match(text):
                return True
        for tokens in self._dynamic:
            fixed = resolve(tokens, context)
            if fixed is not None and self._build(self._folded(fixed))(text):
                return True
        return False


def _strings(*, like: bool = False, fold: bool = False, arns: bool = False) -> Callable[..., Test]:
    def make(values: list[Any], variables: bool) -> Test:
        patterns = Patterns(
            [text for value in values if (text := text_of(value)) is not None],
            variables=variables,
            wildcards=like or arns,
            fold=fold,
            build=arn_glob if arns else glob,
        )

        def test(value: Any, context: Context) -> bool:
            text = text_of(value)
            return text is not None and patterns.match(text.lower() if fold else text, context)

        return test

    return make


def _compared(parse: Callable[[Any], Any], compare: Callable[[Any, Any], bool]) -> Callable[..., Test]:
    """A test by `compare(of request, of policy)`; what does not parse matches nothing."""

    def make(values: list[Any], _variables: bool) -> Test:
        limits = [limit for value in values if (limit := parse(value)) is not None]

        def test(value: Any, _context: Context) -> bool:
            given = parse(value)
            return given is not None and any(compare(given, limit) for limit in limits)

        return test

    return make


def number(value: Any) -> Decimal | None:
    if isinstance(value, bool | datetime):
        return None
    try:
        parsed = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return parsed if parsed.is_finite() else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(value: Any) -> datetime | None:
    """A W3C date (``2026-01-31T10:00:00Z``, ``2026-01-31``, ``2026-01``) or seconds since 1970."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = str(value).strip()
    seconds = number(value)
    try:
        if seconds is not None:
            return _EPOCH + timedelta(seconds=float(seconds))
        parsed = datetime.fromisoformat(f"{text}-01" if re.fullmatch(r"\d{4}-\d\d", text) else text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _boolean(value: Any) -> str | None:
    text = (text_of(value) or "").lower()
    return text if text in ("true", "false") else None


def _binary(value: Any) -> bytes | None:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return None


def _address(value: Any) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(str(value).strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(value: Any) -> Any:
    try:
        return ip_network(str(value).strip(), strict=False)
    except ValueError:
        return None


def _addresses(values: list[Any], _variables: bool) -> Test:
    networks = [network for value in values if (network := _network(value)) is not None]

    def test(value: Any, _context: Context) -> bool:
        address = _address(value)
        return address is not None and any(address in network for network in networks)

    return test


def _operators() -> dict[str, tuple[Callable[..., Test], bool]]:
    """By name in lower case: what makes the test, and whether the operator is its negation."""
    makers: dict[str, Callable[..., Test]] = {
        "stringequals": _strings(),
        "stringequalsignorecase": _strings(fold=True),
        "stringlike": _strings(like=True),
        "arnequals": _strings(arns=True),
        "arnlike": _strings(arns=True),
        "bool": _compared(_boolean, operator.eq),
        "binaryequals": _compared(_binary, operator.eq),
        "ipaddress": _addresses,
    }
    for kind, parse in (("numeric", number), ("date", moment)):
        makers[f"{kind}equals"] = _compared(parse, operator.eq)
        makers[f"{kind}lessthan"] = _compared(parse, operator.lt)
        makers[f"{kind}lessthanequals"] = _compared(parse, operator.le)
        makers[f"{kind}greaterthan"] = _compared(parse, operator.gt)
        makers[f"{kind}greaterthanequals"] = _compared(parse, operator.ge)
    negations = {
        "stringnotequals": "stringequals",
        "stringnotequalsignorecase": "stringequalsignorecase",
        "stringnotlike": "stringlike",
        "arnnotequals": "arnequals",
        "arnnotlike": "arnlike",
        "numericnotequals": "numericequals",
        "datenotequals": "dateequals",
        "notipaddress": "ipaddress",
    }
    table = {name: (maker, False) for name, maker in makers.items()}
    return table | {name: (makers[positive], True) for name, positive in negations.items()}


_OPERATORS = _operators()
_OPERATOR = re.compile(r"(?:(forallvalues|foranyvalue):)?([a-z]+?)(ifexists)?")


def split_operator(name: str) -> tuple[str, str, bool]:
    """Quantifier ("", "forallvalues", "foranyvalue"), base name, ...IfExists. Raises AwsError."""
    found = _OPERATOR.fullmatch(name.lower())
    if found is not None:
        quantifier, base, if_exists = found[1] or "", found[2], found[3] is not None
        if base in _OPERATORS or (base == "null" and not quantifier and not if_exists):
            return quantifier, base, if_exists
    raise malformed()


def compile_conditions(block: dict[str, Any], *, variables: bool = True) -> Callable[[Context], bool]:
    """A Condition element as a function of the context: all of its operators and keys must hold.

    `variables` is whether the policy's version knows ``${...}``. Raises AwsError
    MalformedPolicyDocument for an unknown operator or a wrong shape.
    """
    checks: list[Callable[[Context], bool]] = []
    if not isinstance(block, dict):
        raise malformed()
    for name, keys in block.items():
        if not isinstance(keys, dict):
            raise malformed()
        if not keys:
            continue  # asks nothing, and AWS takes it under any name
        quantifier, base, if_exists = split_operator(name)
        for key, given in keys.items():
            values = given if isinstance(given, list) else [given]
            if base == "null":
                checks.append(_null(key.lower(), values))
                continue
            maker, negated = _OPERATORS[base]
            test = maker(values, variables)
            checks.append(_quantified(quantifier, key.lower(), test, negated, if_exists))
    if len(checks) == 1:
        return checks[0]
    return lambda context: all(check(context) for check in checks)


def _values(context: Context, key: str) -> Sequence[Any]:
    """The key's values in the request, () if it is absent."""
    value = context.get(key)
    if isinstance(value, list | tuple | set | frozenset):
        return [each for each in value if each is not None]
    return () if value is None else (value,)


def _null(key: str, values: list[Any]) -> Callable[[Context], bool]:
    wanted = {_boolean(value) for value in values}
    return lambda context: ("false" if _values(context, key) else "true") in wanted


def _quantified(
    quantifier: str, key: str, test: Test, negated: bool, if_exists: bool
) -> Callable[[Context], bool]:
    """Without a quantifier, a negated operator holds for an absent key and no other operator does.

    ForAllValues holds and ForAnyValue fails for no values, of which a lone empty string is one way.
    """

    def plain(context: Context) -> bool:
        values = _values(context, key)
        if not values:
            return negated or if_exists
        return any(test(value, context) for value in values) != negated

    def every(context: Context) -> bool:
        return all(test(value, context) != negated for value in _values(context, key) if value != "")

    def some(context: Context) -> bool:
        values = _values(context, key)
        if not values:
            return if_exists
        return any(test(value, context) != negated for value in values if value != "")

    return {"": plain, "forallvalues": every, "foranyvalue": some}[quantifier]
