"""Metric math as text: its words, and the tree they make.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
A tree is a tuple: ("number", 1.5), ("text", "…"), ("id", "m1"), ("call", "SUM", [trees]),
("binary", "+", left, right), ("unary", "-", tree), ("list", [trees]).
"""

import math
import re
from typing import Any

Tree = tuple[Any, ...]

MAX_LENGTH = 2048
MAX_DEPTH = 50
MAX_OPERATIONS = 250

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d{1,3})?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>&&|\|\||[<>!=]=|[-+*/^(),<>\[\]]))"
)
# From the loosest to the tightest.
_LEVELS = (("||", "OR"), ("&&", "AND"), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/"))
_SAME = {"OR": "||", "AND": "&&"}


class ExpressionError(Exception):
    """What is wrong with an expression."""


def parse(text: str) -> Tree:
    """The tree of an expression. Raises ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("Expression is too long")
    reader = _Reader(_tokens(text))
    tree = reader.level(0)
    if reader.next is not None:
        raise ExpressionError(f"Unexpected '{reader.next[1]}'")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"Unexpected '{text[at:].strip()[:1]}'")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = self._operations = 0

    @property
    def next(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> tuple[str, str]:
        token = self.next
        if token is None:
            raise ExpressionError("Unexpected end of expression")
        self._at += 1
        return token

    def _takes(self, *words: str) -> str:
        token = self.next
        if token is None or token[0] == "text" or token[1].upper() not in words:
            return ""
        self._at += 1
        return token[1].upper()

    def level(self, number: int) -> Tree:
        if number == len(_LEVELS):
            return self._unary()
        left = self.level(number + 1)
        while word := self._takes(*_LEVELS[number]):
            self._operations += 1
            if self._operations > MAX_OPERATIONS:
                raise ExpressionError("Expression has too many operations")
            left = ("binary", _SAME.get(word, word), left, self.level(number + 1))
        return left

    def _unary(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError("Expression is nested too deeply")
        try:
            if self._takes("-"):
                return ("unary", "-", self._unary())
            base = self._primary()
            # A power binds its right side first, and tighter than a sign before it.
            return ("binary", "^", base, self._unary()) if self._takes("^") else base
        finally:
            self._depth -= 1

    def _primary(self) -> Tree:
        kind, word = self._take()
        if kind == "number":
            if not math.isfinite(float(word)):
                raise ExpressionError(f"Unexpected '{word}'")
            return ("number", float(word))
        if kind == "text":
            return ("text", word[1:-1])
        if kind == "name":
            return ("call", word.upper(), self._members(")")) if self._takes("(") else ("id", word)
        if word == "(":
            tree = self.level(0)
            self._expect(")")
            return tree
        if word == "[":
            return ("list", self._members("]"))
        raise ExpressionError(f"Unexpected '{word}'")

    def _members(self, end: str) -> list[Tree]:
        found: list[Tree] = []
        if self._takes(end):
            return found
        while True:
            found.append(self.level(0))
            if self._takes(end):
                return found
            self._expect(",")

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            found = self.next
            raise ExpressionError(f"Unexpected '{found[1]}'" if found else "Unexpected end of expression")
