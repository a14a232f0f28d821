"""Expressions as trees. A tree knows nothing of a request's names and values, so it is kept by its text.

Conditions: ("and"|"or", left, right), ("not", inner), ("compare", operator, left, right),
("between", operand, low, high), ("in", operand, options), ("call", function, arguments).
Operands: ("path", elements), ("value", name), ("call", function, arguments).
Path elements: a name as written (``a`` or ``#a``), or an index.
"""

import functools
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.expressions.lexer import (
    MAX_DEPTH,
    MAX_OPERATORS,
    Token,
    syntax_error,
    tokens_of,
)
from maycloud.services.dynamodb.expressions.reserved import RESERVED

Tree = tuple[Any, ...]
Path = tuple[str | int, ...]

COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Functions of conditions with the number of their operands; the last two belong to updates.
FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}
UPDATE_FUNCTIONS = frozenset({"if_not_exists", "list_append"})
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")


class Parser:
    """Recursive descent over one expression."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.tokens = tokens_of(kind, text)
        self.at = 0
        self._depth = 0
        self._operators = 0

    # Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def is_symbol(self, *symbols: str) -> bool:
        return self.token.kind == "symbol" and self.token.text in symbols

    def is_word(self, *words: str) -> bool:
        return self.token.kind == "word" and self.token.text.upper() in words

    def symbol(self, text: str) -> None:
        if not self.is_symbol(text):
            raise self.error()
        self.at += 1

    def error(self) -> AwsError:
        return syntax_error(self.kind, self.text, self.tokens, self.at)

    def refuse(self, message: str) -> AwsError:
        return validation(f"Invalid {self.kind}: {message}")

    def end(self) -> None:
        if self.token.kind != "end":
            raise self.error()

    def count(self) -> None:
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            raise self.refuse(
                f"The expression contains too many operators; operator count: {self._operators}, maximum"
                f" operator count: {MAX_OPERATORS}"
            )

    # Conditions

    def condition(self) -> Tree:
        left = self._conjunction()
        while self.is_word("OR"):
            self.take()
            self.count()
            left = ("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Tree:
        left = self._negation()
        while self.is_word("AND"):
            self.take()
            self.count()
            left = ("and", left, self._negation())
        return left

    def _negation(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refuse("The expression has too many nested operators")
        try:
            if self.is_word("NOT"):
                self.take()
                self.count()
                return ("not", self._negation())
            if self.is_symbol("("):
                return self._parenthesized()
            return self._test(self.operand())
        finally:
            self._depth -= 1

    def _parenthesized(self) -> Tree:
        """A condition in parentheses, or an operand in them that is compared."""
        begun, operators = self.at, self._operators
        self.take()
        if self.is_symbol("("):
            inner = self.condition()
            self.symbol(")")
            return inner
        try:
            inner = self.condition()
            self.symbol(")")
        except AwsError:
            # Perhaps (a) = :v.
            self.at, self._operators = begun + 1, operators
            operand = self.operand()
            if not self.is_symbol(")"):
                raise
            self.take()
            return self._test(operand)
        return inner

    def _test(self, operand: Tree) -> Tree:
        if self.is_symbol(*COMPARATORS):
            operator = self.take().text
            self.count()
            return ("compare", operator, operand, self._inner_operand())
        if self.is_word("BETWEEN"):
            self.take()
            self.count()
            low = self._inner_operand()
            if not self.is_word("AND"):
                raise self.error()
            self.take()
            return ("between", operand, low, self._inner_operand())
        if self.is_word("IN"):
            self.take()
            self.count()
            self.symbol("(")
            options = [self._inner_operand()]
            while self.is_symbol(","):
                self.take()
                options.append(self._inner_operand())
            self.symbol(")")
            if len(options) > 100:
                raise self.refuse(
                    "The IN operator is provided with too many operands; number of operands:"
                    f" {len(options)}, maximum number of operands: 100"
                )
            return ("in", operand, tuple(options))
        if operand[0] == "call":
            if operand[1] == "size":
                raise self.refuse(
                    "The function is not allowed to be used this way in an expression; function: size"
                )
            return operand
        raise self.error()

    def _inner_operand(self) -> Tree:
        if self.is_symbol("("):
            self.take()
            operand = self._inner_operand()
            self.symbol(")")
        else:
            operand = self.operand()
        if operand[0] == "call" and operand[1] not in ("size", *UPDATE_FUNCTIONS):
            raise self.refuse(
                f"The function is not allowed to be used this way in an expression; function: {operand[1]}"
            )
        return operand

    # Operands

    def operand(self) -> Tree:
        token = self.token
        if token.kind == "value":
            self.take()
            return ("value", token.text)
        if token.kind == "word" and self.tokens[self.at + 1].text == "(":
            return self._call()
        return ("path", self.path())

    def _call(self) -> Tree:
        name = self.take().text
        if name not in FUNCTIONS:
            if name.upper() in _KEYWORDS:
                self.at -= 1
                raise self.error()
            raise self.refuse(f"Invalid function name; function: {name}")
        is_update = self.kind == "UpdateExpression"
        if (name in UPDATE_FUNCTIONS) != is_update:
            which = "an update" if is_update else "a condition"
            if self.kind == "KeyConditionExpression":
                which = "a key condition"
            elif self.kind == "FilterExpression":
                which = "a filter"
            raise self.refuse(f"The function is not allowed in {which} expression; function: {name}")
        self.symbol("(")
        arguments = [self.operand()]
        while self.is_symbol(","):
            self.take()
            arguments.append(self.operand())
        self.symbol(")")
        self.count()
        if len(arguments) != FUNCTIONS[name]:
            raise self.refuse(
                f"Incorrect number of operands for operator or function; operator or function: {name}, number"
                f" of operands: {len(arguments)}"
            )
        return ("call", name, tuple(arguments))

    def path(self) -> Path:
        elements: list[str | int] = [self._name()]
        while True:
            if self.is_symbol("."):
                self.take()
                elements.append(self._name())
            elif self.is_symbol("["):
                self.take()
                if self.token.kind != "number":
                    raise self.error()
                elements.append(int(self.take().text[:9]))
                self.symbol("]")
            else:
                break
        if len(elements) > 33:
            raise self.refuse(
                "The document path has too many nesting elements; nesting levels: "
                f"{len(elements)}, maximum: 32"
            )
        return tuple(elements)

    def _name(self) -> str:
        token = self.token
        if token.kind == "name":
            return self.take().text
        if token.kind != "word" or "-" in token.text or token.text.upper() in _KEYWORDS:
            raise self.error()
        if token.text.upper() in RESERVED:
            raise self.refuse(f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self.take().text

    # Updates

    def update(self) -> dict[str, list[Tree]]:
        """Clauses by section: SET (path, value), REMOVE (path,), ADD and DELETE (path, operand)."""
        sections: dict[str, list[Tree]] = {}
        while self.token.kind != "end":
            if not self.is_word(*_SECTIONS):
                raise self.error()
            section = self.take().text.upper()
            if section in sections:
                raise self.refuse(f'The "{section}" section can only be used once in an update expression;')
            clauses = sections.setdefault(section, [])
            clauses.append(self._clause(section))
            while self.is_symbol(","):
                self.take()
                clauses.append(self._clause(section))
        if not sections:
            raise self.error()
        return sections

    def _clause(self, section: str) -> Tree:
        path = self.path()
        if section == "REMOVE":
            return (path,)
        if section == "SET":
            self.symbol("=")
            return (path, self._sum())
        return (path, self.operand())

    def _sum(self) -> Tree:
        left = self._term()
        if self.is_symbol("+", "-"):
            operator = self.take().text
            self.count()
            left = ("arithmetic", operator, left, self._term())
        return left

    def _term(self) -> Tree:
        if self.is_symbol("("):
            self.take()
            inner = self._sum()
            self.symbol(")")
            return inner
        return self.operand()


@functools.lru_cache(maxsize=4096)
def parse_condition(kind: str, text: str) -> Tree:
    parser = Parser(kind, text)
    tree = parser.condition()
    parser.end()
    return tree


@functools.lru_cache(maxsize=4096)
def parse_update(text: str) -> dict[str, list[Tree]]:
    return Parser("UpdateExpression", text).update()


@functools.lru_cache(maxsize=4096)
def parse_projection(text: str) -> tuple[Path, ...]:
    parser = Parser("ProjectionExpression", text)
    paths = [parser.path()]
    while parser.is_symbol(","):
        parser.take()
        paths.append(parser.path())
    parser.end()
    return tuple(paths)
