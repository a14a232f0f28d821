"""Which statements decide a simulation, and where in the text of their policy they stand.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html; positions as the example of
https://docs.aws.amazon.com/cli/latest/reference/iam/simulate-custom-policy.html has them: behind the
first and behind the last character of a statement, counted from one.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from maycloud.access.policies import Decision, Policy, compile_policy
from maycloud.store import Document

Decide = Callable[[Policy], Decision]
_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Source:
    """A policy as it was given: its name, what it says, how that was written."""

    name: str
    document: Document
    text: str


def written(name: str, document: Document) -> Source:
    """A policy that is kept without its layout."""
    return Source(name, document, orjson.dumps(document).decode())


class Statements:
    """All statements of some policies, each as a policy of its own."""

    def __init__(self, sources: list[Source]) -> None:
        self._each: list[tuple[dict[str, Any], Policy]] = []
        for source in sources:
            for statement, start, end in _spans(source.text):
                told = {
                    "SourcePolicyId": source.name,
                    "StartPosition": _position(source.text, start, start + 1),
                    "EndPosition": _position(source.text, end - 1, end),
                }
                alone = compile_policy({**source.document, "Statement": [statement]})
                self._each.append((told, alone))

    def deciding(self, decision: Decision, decide: Decide) -> list[dict[str, Any]]:
        """Those that allow, or those that deny where one does; none where nothing is said."""
        if decision.allowed:
            return [told for told, alone in self._each if decide(alone).allowed]
        return [told for told, alone in self._each if decide(alone).explicit] if decision.explicit else []


def _position(text: str, at: int, told: int) -> dict[str, int]:
    """The place of a character, told as that of the one behind it."""
    line_before = text.rfind("\n", 0, at)
    return {"Line": text.count("\n", 0, at) + 1, "Column": told - line_before}


def _spans(text: str) -> Iterator[tuple[Any, int, int]]:
    """The statements of a policy that is right, with where they begin and end."""
    at = _skip(text, 0) + 1
    while text[at := _skip(text, at)] != "}":
        if text[at] == ",":
            at = _skip(text, at + 1)
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name != "Statement" or text[at] != "[":
            start = at
            value, at = _DECODER.raw_decode(text, at)
            if name == "Statement":
                yield value, start, at
            continue
        at = _skip(text, at + 1)
        while text[at] != "]":
            value, end = _DECODER.raw_decode(text, at)
            yield value, at, end
            at = _skip(text, end)
            if text[at] == ",":
                at = _skip(text, at + 1)
        at += 1


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at
