"""Expressions as trees. A tree knows nothing of a request's names and values, so it is kept by its text.

Tests: ("compare", operator, left, right), ("between", operand, low, high), ("in", operand, options),
("call", function, arguments). Operands: ("path", elements), ("value", name), ("call", function, arguments),
in updates also ("arithmetic", operator, left, right).
Path elements: a name as written (``a`` or ``#a``), or an index.

Syntax errors are raised where they are found. What is wrong in another way is told when all has been read,
in AWS's order of precedence.
"""

import functools
from dataclasses import dataclass
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.expressions.lexer import MAX_OPERATORS, Token, syntax_error, tokens_of
from maycloud.services.dynamodb.expressions.reserved import RESERVED

Tree = tuple[Any, ...]
Path = tuple[str | int, ...]

UPDATE, PROJECTION = "UpdateExpression", "ProjectionExpression"
COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Functions with the number of their operands; the last two belong to updates.
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
_WITHIN = frozenset({"size", "if_not_exists"})  # functions that may be an operand of others
_SECTIONS = frozenset({"SET", "REMOVE", "ADD", "DELETE"})
_OPERATORS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_KINDS = {UPDATE: "an update", "KeyConditionExpression": "a key condition", "FilterExpression": "a filter"}
_MAX_NESTED = 260  # operands within operands: all that 4 KB can hold of functions with sense, and safe here
_MAX_PATH = 32

_CONDITION_FAULTS = ("limit", "parentheses", "function", "misused", "reserved", "depth")
_UPDATE_FAULTS = ("limit", "reserved", "function", "misused", "section", "depth")


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a condition, with its placeholders in order and what is wrong with its operands."""

    tree: Tree
    placeholders: tuple[str, ...]
    fault: str | None


@dataclass(frozen=True, slots=True)
class Clause:
    section: str
    path: Path
    operand: Tree | None  # None for REMOVE


@dataclass(frozen=True, slots=True)
class Clauses:
    """An update, with its names and values in order."""

    clauses: tuple[Clause, ...]
    placeholders: tuple[str, ...]


Step = Test | str  # conditions are in postfix order: tests, "and", "or" and "not"
_BINDS = {"or": 1, "and": 2, "not": 3}


class Parser:
    """What all kinds of expressions share: tokens, paths, functions."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.tokens = tokens_of(kind, text)
        self.at = 0
        self.placeholders: list[str] = []
        self.operand_fault: str | None = None  # a wrong number of operands; told when names are known
        self.keywords = _SECTIONS if kind == UPDATE else frozenset() if kind == PROJECTION else _OPERATORS
        self._faults: dict[str, str] = {}
        self._operators = 0
        self._nested = 0

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

    # Errors

    def error(self) -> AwsError:
        return syntax_error(self.kind, self.text, self.tokens, self.at)

    def fault(self, which: str, message: str) -> None:
        self._faults.setdefault(which, message)

    def end(self) -> None:
        """Nothing may follow. Raises the gravest fault."""
        if self.token.kind != "end":
            raise self.error()
        error = self._gravest()
        if error is not None:
            raise error

    def _gravest(self) -> AwsError | None:
        for which in _UPDATE_FAULTS if self.kind == UPDATE else _CONDITION_FAULTS:
            if which in self._faults:
                return validation(f"Invalid {self.kind}: {self._faults[which]}")
        return None

    def count(self) -> None:
        """One more operator; functions are none."""
        self._operators += 1
        if self._operators > MAX_OPERATORS:
            self.fault(
                "limit",
                f"The expression contains too many operators; operator count: {self._operators}",
            )

    def enter(self, message: str) -> None:
        """One operand deeper. What is deeper than has a sense is refused before it is read to the end."""
        self._nested += 1
        if self._nested > _MAX_NESTED:
            self.fault("depth", message)
            raise self._gravest() or self.error()

    def leave(self) -> None:
        self._nested -= 1

    # Operands

    def operand(self) -> Tree:
        token = self.token
        if token.kind == "value":
            self.take()
            self.placeholders.append(token.text)
            return ("value", token.text)
        if token.kind == "word" and self.tokens[self.at + 1].text == "(":
            return self._call()
        if self.is_symbol("("):
            return self._parenthesized()
        return ("path", self.path())

    def _parenthesized(self) -> Tree:
        self.check_parentheses()
        self.enter("The expression has redundant parentheses;")
        self.take()
        inner = self.operand()
        self.symbol(")")
        self.leave()
        if inner[0] == "path" and self.kind != UPDATE and self.is_symbol(".", "["):
            return ("path", self._path_from([*inner[1]]))
        return inner

    def check_parentheses(self) -> None:
        """Conditions refuse doubled ones."""

    def _call(self) -> Tree:
        name = self.token.text
        if name.upper() in self.keywords:
            raise self.error()
        self.take()
        self.enter(
            f"Incorrect operand type for operator or function; operator or function: {name}, operand type: N"
        )
        if name not in FUNCTIONS:
            self.fault("function", f"Invalid function name; function: {name}")
        elif (name in UPDATE_FUNCTIONS) != (self.kind == UPDATE):
            which = _KINDS.get(self.kind, "a condition")
            self.fault("function", f"The function is not allowed in {which} expression; function: {name}")
        self.take()
        arguments = self.operands()
        self.leave()
        self.check_within(arguments, _WITHIN)
        if len(arguments) != FUNCTIONS.get(name, len(arguments)) and self.operand_fault is None:
            self.operand_fault = (
                f"Incorrect number of operands for operator or function; operator or function: {name}, number"
                f" of operands: {len(arguments)}"
            )
        return ("call", name, arguments)

    def operands(self) -> tuple[Tree, ...]:
        """One or more, up to the closing parenthesis."""
        found = [self.operand()]
        while self.is_symbol(","):
            self.take()
            found.append(self.operand())
        self.symbol(")")
        return tuple(found)

    def check_within(self, operands: tuple[Tree, ...], allowed: frozenset[str]) -> None:
        for each in operands:
            if each[0] == "call" and each[1] not in allowed:
                self.misused(each[1])

    def misused(self, function: str) -> None:
        self.fault(
            "misused",
            f"The function is not allowed to be used this way in an expression; function: {function}",
        )

    def path(self) -> Path:
        return self._path_from([self._name()])

    def _path_from(self, elements: list[str | int]) -> Path:
        while True:
            if self.is_symbol("."):
                self.take()
                elements.append(self._name())
            elif self.is_symbol("["):
                self.take()
                if self.token.kind != "number":
                    raise self.error()
                # No list is as long as nine digits tell.
                elements.append(int(self.take().text.lstrip("0")[:9] or "0"))
                self.symbol("]")
            else:
                break
        if len(elements) > _MAX_PATH + 1:
            self.fault(
                "limit",
                f"The document path has too many nesting elements; nesting levels: {len(elements)}",
            )
        return tuple(elements)

    def _name(self) -> str:
        token = self.token
        if token.kind == "name":
            self.placeholders.append(token.text)
            return self.take().text
        if token.kind != "word" or token.text.upper() in self.keywords:
            raise self.error()
        if token.text.upper() in RESERVED:
            self.fault("reserved", f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return self.take().text


class _Condition(Parser):
    """Conditions, filters and key conditions. Read without recursion: they may nest by the hundred."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(kind, text)
        self._closing = self._pairs()

    def _pairs(self) -> dict[int, int]:
        """Where each parenthesis is closed."""
        pairs: dict[int, int] = {}
        begun: list[int] = []
        for at, token in enumerate(self.tokens):
            if token.text == "(":
                begun.append(at)
            elif token.text == ")" and begun:
                pairs[begun.pop()] = at
        return pairs

    def check_parentheses(self) -> None:
        closing, inner = self._closing.get(self.at), self._closing.get(self.at + 1)
        if closing is not None and inner == closing - 1:
            self.fault("parentheses", "The expression has redundant parentheses;")

    def _groups(self) -> bool:
        """Whether the parenthesis here is around a condition, not around an operand as in (a) = :v."""
        closing = self._closing.get(self.at)
        if closing is None:
            return True
        after = self.tokens[closing + 1]
        if after.kind == "word":
            return after.text.upper() not in ("BETWEEN", "IN")
        return after.kind != "symbol" or after.text not in COMPARATORS | {".", "["}

    def condition(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        pending: list[str] = []
        while True:
            self._prefixes(pending)
            steps.append(self._test())
            self._reduce(steps, pending, 3)
            while self.is_symbol(")") and "(" in pending:
                self.take()
                self._reduce(steps, pending, 0)
                pending.pop()
                self._reduce(steps, pending, 3)
            if not self.is_word("AND", "OR"):
                break
            operator = self.take().text.lower()
            self.count()
            self._reduce(steps, pending, _BINDS[operator])
            pending.append(operator)
        if "(" in pending:
            raise self.error()
        self._reduce(steps, pending, 0)
        self.end()
        return tuple(steps)

    def _prefixes(self, pending: list[str]) -> None:
        while True:
            if self.is_word("NOT"):
                self.count()
                pending.append("not")
            elif self.is_symbol("(") and self._groups():
                self.check_parentheses()
                pending.append("(")
            else:
                return
            self.take()

    @staticmethod
    def _reduce(steps: list[Step], pending: list[str], binds: int) -> None:
        """Operators that bind as much or more have their operands now."""
        while pending and pending[-1] != "(" and _BINDS[pending[-1]] >= binds:
            steps.append(pending.pop())

    def _test(self) -> Test:
        self.placeholders, self.operand_fault = [], None
        return Test(self._tree(), tuple(self.placeholders), self.operand_fault)

    def _tree(self) -> Tree:
        first = self.operand()
        if self.is_symbol(*COMPARATORS):
            operator = self.take().text
            others: tuple[Tree, ...] = (self.operand(),)
            tree: Tree = ("compare", operator, first, others[0])
        elif self.is_word("BETWEEN"):
            self.take()
            low = self.operand()
            if not self.is_word("AND"):
                raise self.error()
            self.take()
            others = (low, self.operand())
            tree = ("between", first, *others)
        elif self.is_word("IN"):
            self.take()
            self.symbol("(")
            others = self.operands()
            if len(others) > 100:
                self.fault(
                    "limit",
                    f"The IN operator is provided with too many operands; number of operands: {len(others)}",
                )
            tree = ("in", first, others)
        elif first[0] == "call":
            if first[1] == "size":
                self.misused("size")
            return first
        else:
            raise self.error()
        self.count()
        self.check_within((first, *others), frozenset({"size"}))
        return tree


class _Update(Parser):
    def update(self) -> Clauses:
        clauses: list[Clause] = []
        while self.token.kind != "end":
            if not self.is_word(*_SECTIONS):
                raise self.error()
            section = self.take().text.upper()
            if any(clause.section == section for clause in clauses):
                self.fault(
                    "section", f'The "{section}" section can only be used once in an update expression;'
                )
            clauses.append(self._clause(section))
            while self.is_symbol(","):
                self.take()
                clauses.append(self._clause(section))
        self.end()
        return Clauses(tuple(clauses), tuple(self.placeholders))

    def _clause(self, section: str) -> Clause:
        path = self.path()
        if section == "REMOVE":
            return Clause(section, path, None)
        if section == "SET":
            self.symbol("=")
            return Clause(section, path, self._sum())
        if self.token.kind != "value":
            raise self.error()
        return Clause(section, path, self.operand())

    def _sum(self) -> Tree:
        """An operand, or a sum or difference of two: there are no longer ones."""
        left = self._term()
        if left[0] == "arithmetic" or not self.is_symbol("+", "-"):
            return left
        operator = self.take().text
        self.count()
        right = self._term()
        if right[0] == "arithmetic":
            raise self.error()
        return ("arithmetic", operator, left, right)

    def _term(self) -> Tree:
        if not self.is_symbol("("):
            return self.operand()
        self.enter("The expression has redundant parentheses;")
        self.take()
        inner = self._sum()
        self.symbol(")")
        self.leave()
        return inner


@functools.lru_cache(maxsize=4096)
def parse_condition(kind: str, text: str) -> tuple[Step, ...]:
    return _Condition(kind, text).condition()


@functools.lru_cache(maxsize=4096)
def parse_update(text: str) -> Clauses:
    return _Update(UPDATE, text).update()


@functools.lru_cache(maxsize=4096)
def parse_projection(text: str) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Paths, and the placeholders in them."""
    parser = Parser(PROJECTION, text)
    paths = [parser.path()]
    while parser.is_symbol(","):
        parser.take()
        paths.append(parser.path())
    parser.end()
    return tuple(paths), tuple(parser.placeholders)
