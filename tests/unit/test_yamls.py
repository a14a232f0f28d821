"""YAML of clients: bounded in depth and in what its aliases write out to."""

import pytest
import yaml

from maycloud import yamls
from maycloud.services.apigateway import openapi_import


@pytest.mark.parametrize("text", ["- " * 300_000, "[" * 200 + "]" * 200, "a:\n" + " " * 9 + "- " * 50_000])
def test_depth_ends(text: str) -> None:
    """Half a megabyte of dashes overflows the stack of libyaml's own loader."""
    with pytest.raises((yamls.BoundError, yaml.YAMLError)):
        yamls.load(text, yaml.CSafeLoader)


DOUBLING = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGING = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))


@pytest.mark.parametrize("text", [DOUBLING, MERGING, "&a [*a]"], ids=["doubling", "merging", "itself"])
def test_aliases_end(text: str) -> None:
    with pytest.raises(yamls.BoundError):
        yamls.load(text, yaml.CSafeLoader)


def test_what_is_within_the_bounds_is_loaded() -> None:
    assert yamls.load("a: &a [1]\nb: *a\n", yaml.CSafeLoader) == {"a": [1], "b": [1]}
    assert yamls.load("# nothing\n", yaml.CSafeLoader) is None


HEAD = 'swagger: "2.0"\ninfo: {title: t, version: "1"}\n'


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "definitions:\n" + "".join(f"  {line}\n" for line in DOUBLING.splitlines()),
        HEAD + 'x: "\\ud800"\n', HEAD + "x: " + "9" * 5000 + "\n", HEAD + "x: " + "1:" * 3000 + "1\n",
        HEAD + "x: " + "- " * 100_000, HEAD + "x: &a [*a]\n", HEAD + "? [a]\n: b\n",
    ],
    ids=["doubling", "half a character", "digits", "sexagesimal", "depth", "itself", "keys"],
)  # fmt: skip
def test_definitions_of_apis_within_bounds(text: str) -> None:
    with pytest.raises(Exception, match=r"BadRequestException: Invalid OpenAPI input\."):
        openapi_import.parse(text.encode())
