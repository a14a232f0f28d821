"""Condition blocks of policies, compiled to predicates of a request's context.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from maycloud.access.patterns import compile_text, glob

Context = Mapping[str, Any]
Predicate = Callable[[Context], bool]
Compare = Callable[[Any, str], bool]  # a value of the request, a value of the policy


class UnknownOperatorError(ValueError):
    """The block uses an operator that IAM does not have."""


def compile_conditions(block: Mapping[str, Any], *, variables: bool = True) -> Predicate:
    """All operators and keys of the block must hold. `variables` is False for policies of 2008."""
    tests = [
        _compile(operator, key, values, variables)
        for operator, keys in block.items()
        for key, values in keys.items()
    ]
    return lambda context: all(test(context) for test in tests)


def _compile(operator: str, key: str, values: Any, variables: bool) -> Predicate:
    name, quantifier, if_exists = _split(operator)
    key = key.lower()
    wanted = [str(each) if not isinstance(each, bool) else str(each).lower() for each in _list(values)]
    if name == "null":
        absent = wanted[:1] == ["true"]
        return lambda context: (not _list_of(context.get(key))) is absent
    negated, compare = _operator(name)
    texts = [compile_text(value) if variables and "${" in value else value for value in wanted]

    def resolved(context: Context) -> list[str]:
        found = [text if isinstance(text, str) else text.value(context) for text in texts]
        return [text for text in found if text is not None]

    def one(value: Any, context: Context) -> bool:
        hit = any(_safely(compare, value, each) for each in resolved(context))
        return not hit if negated else hit

    def test(context: Context) -> bool:
        present = _list_of(context.get(key))
        if quantifier == "forallvalues":
            return all(one(value, context) for value in present)
        if quantifier == "foranyvalue":
            return any(one(value, context) for value in present)
        if not present:
            # A negated operator holds for a key that is not there.
            return if_exists or negated
        if negated:
            return all(one(value, context) for value in present)
        return any(one(value, context) for value in present)

    return test


def _split(operator: str) -> tuple[str, str, bool]:
    quantifier, colon, rest = operator.rpartition(":")
    name = rest.lower()
    if_exists = name.endswith("ifexists")
    if if_exists:
        name = name[: -len("ifexists")]
    quantifier = quantifier.lower() if colon else ""
    if quantifier not in ("", "forallvalues", "foranyvalue"):
        raise UnknownOperatorError(operator)
    return name, quantifier, if_exists


def _operator(name: str) -> tuple[bool, Compare]:
    found = _OPERATORS.get(name)
    if found is None:
        raise UnknownOperatorError(name)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _list_of(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _safely(compare: Compare, value: Any, wanted: str) -> bool:
    """A value that is not of the operator's type matches nothing."""
    try:
        return compare(value, wanted)
    except (ValueError, TypeError, OverflowError):
        return False


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def _equals(value: Any, wanted: str) -> bool:
    return text_of(value) == wanted


def _equals_ignoring_case(value: Any, wanted: str) -> bool:
    return text_of(value).casefold() == wanted.casefold()


def _like(value: Any, wanted: str) -> bool:
    return glob(wanted, text_of(value))


def _numeric(test: Callable[[float, float], bool]) -> Compare:
    return lambda value, wanted: test(float(value), float(wanted))


def _moment(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and len(text) > 4:
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _date(test: Callable[[float, float], bool]) -> Compare:
    return lambda value, wanted: test(_moment(value), _moment(wanted))


def _bool(value: Any, wanted: str) -> bool:
    return text_of(value).lower() == wanted.lower()


def _binary(value: Any, wanted: str) -> bool:
    raw = value if isinstance(value, bytes) else base64.b64decode(text_of(value))
    return raw == base64.b64decode(wanted)


def _ip(value: Any, wanted: str) -> bool:
    return ipaddress.ip_address(text_of(value)) in ipaddress.ip_network(wanted, strict=False)


def _arn(value: Any, wanted: str) -> bool:
    """Part by part: a wildcard does not reach over the colons of the first five."""
    have, want = text_of(value).split(":", 5), wanted.split(":", 5)
    if len(have) < 6 or len(want) < 6:
        return glob(wanted, text_of(value))
    return all(glob(pattern, part) for pattern, part in zip(want, have, strict=True))


_OPERATORS: dict[str, tuple[bool, Compare]] = {
    "stringequals": (False, _equals),
    "stringnotequals": (True, _equals),
    "stringequalsignorecase": (False, _equals_ignoring_case),
    "stringnotequalsignorecase": (True, _equals_ignoring_case),
    "stringlike": (False, _like),
    "stringnotlike": (True, _like),
    "numericequals": (False, _numeric(lambda a, b: a == b)),
    "numericnotequals": (True, _numeric(lambda a, b: a == b)),
    "numericlessthan": (False, _numeric(lambda a, b: a < b)),
    "numericlessthanequals": (False, _numeric(lambda a, b: a <= b)),
    "numericgreaterthan": (False, _numeric(lambda a, b: a > b)),
    "numericgreaterthanequals": (False, _numeric(lambda a, b: a >= b)),
    "dateequals": (False, _date(lambda a, b: a == b)),
    "datenotequals": (True, _date(lambda a, b: a == b)),
    "datelessthan": (False, _date(lambda a, b: a < b)),
    "datelessthanequals": (False, _date(lambda a, b: a <= b)),
    "dategreaterthan": (False, _date(lambda a, b: a > b)),
    "dategreaterthanequals": (False, _date(lambda a, b: a >= b)),
    "bool": (False, _bool),
    "binaryequals": (False, _binary),
    "ipaddress": (False, _ip),
    "notipaddress": (True, _ip),
    "arnequals": (False, _arn),
    "arnlike": (False, _arn),
    "arnnotequals": (True, _arn),
    "arnnotlike": (True, _arn),
    "null": (False, _equals),
}
OPERATORS = frozenset(_OPERATORS)
