"""Regular expressions of users: as Java reads them, and never for long."""

import time

import pytest

from maycloud import patterns
from maycloud.services.apigateway.validation import body_problem
from maycloud.services.cloudformation import parameters

ENDLESS = "(x+x+)+y"
TEXT = "x" * 5000


def test_what_java_reads() -> None:
    assert patterns.fullmatch(r"\p{Lu}\p{L}*+", "Ängström")
    assert not patterns.fullmatch(r"\p{Lu}\p{L}*+", "ångström")
    assert patterns.search("b.d", "abc\nd".replace("c", ""))
    assert patterns.substitute(r"(\w)-", r"\1+", "a-b-c") == "a+b+c"


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "a" * 5000, "(?P<a>x)(?P<"])
def test_what_is_none(pattern: str) -> None:
    with pytest.raises(patterns.PatternError):
        patterns.compiled(pattern)


def test_what_would_take_for_ever_is_no_match() -> None:
    begun = time.monotonic()
    assert not patterns.fullmatch(ENDLESS, TEXT)
    assert not patterns.search(ENDLESS, TEXT)
    assert patterns.substitute(ENDLESS, "", TEXT) == TEXT
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize(
    "schema",
    [
        f'{{"type": "string", "pattern": "{ENDLESS}"}}',
        f'{{"type": "array", "items": {{"pattern": "^{ENDLESS}$"}}}}',
    ],
)
def test_models_end(schema: str) -> None:
    begun = time.monotonic()
    body = f'"{TEXT}"' if "string" in schema else f'["{TEXT}"]'
    assert body_problem(schema, {}, body.encode()) is not None
    assert time.monotonic() - begun < 60


def test_properties_by_pattern() -> None:
    schema = '{"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": false}'
    assert body_problem(schema, {}, b'{"abc": 1}') is None
    assert "instance type (string)" in (body_problem(schema, {}, b'{"abc": "x"}') or "")
    assert '["b"]' in (body_problem(schema, {}, b'{"b": 1, "a": 1}') or "")
    slow = f'{{"patternProperties": {{"^{ENDLESS}$": {{}}}}, "additionalProperties": false}}'
    assert body_problem(slow, {}, f'{{"{TEXT}": 1}}'.encode()) is not None


def test_allowed_patterns_end() -> None:
    template = {"Parameters": {"P": {"Type": "String", "AllowedPattern": ENDLESS}}}
    with pytest.raises(Exception, match="Parameter 'P' must match pattern"):
        parameters.choose(template, [{"ParameterKey": "P", "ParameterValue": TEXT}])
