"""Words of expressions, and how errors about them read. Words as observed, see architect/dynalite's tests."""

import re
from dataclasses import dataclass, field
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.values import Item

MAX_LENGTH = 4096  # bytes
MAX_OPERATORS = 300

Names = dict[str, str] | None
Values = Item | None

# What fits nowhere, as "_" at the start of a name or a lone "#", is a token of one character for the parser
# to refuse. A name has no "-" in it: a-:v is a subtraction.
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<word>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<number>[0-9]+)|(?P<symbol><>|<=|>=|[=<>(),.\[\]+-])|(?P<other>[^ \t\r\n]))"
)
_NAME = re.compile(r"#[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens_of(kind: str, text: str) -> list[Token]:
    """The expression's tokens, an end marker last. Raises ValidationException."""
    stripped = text.rstrip(" \t\r\n")
    if not stripped:
        raise validation(f"Invalid {kind}: The expression can not be empty;")
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_LENGTH:
        raise validation(
            f"Invalid {kind}: Expression size has exceeded the maximum allowed size; expression size: {size}"
        )
    found: list[Token] = []
    at = 0
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        assert match is not None and match.lastgroup is not None
        name = match.lastgroup
        found.append(Token(name, match[name], match.start(name), match.end()))
        at = match.end()
    found.append(Token("end", "<EOF>", len(stripped), len(stripped)))
    return found


def syntax_error(kind: str, text: str, tokens: list[Token], at: int) -> AwsError:
    """What stands where, with the tokens beside it."""
    token = tokens[at]
    first = tokens[at - 1].start if at else token.start
    last = tokens[at + 1].end if at + 1 < len(tokens) else token.end
    return validation(f'Invalid {kind}: Syntax error; token: "{token.text}", near: "{text[first:last]}"')


@dataclass(slots=True)
class Used:
    """Which names and values a request's expressions used."""

    names: set[str] = field(default_factory=set[str])
    values: set[str] = field(default_factory=set[str])
    _names_checked: bool = False

    def check_names(self, names: Names) -> None:
        """Refuse invalid names; the first expression of a request does, before it is read itself."""
        if names is None or self._names_checked:
            return
        if not names:
            raise validation("ExpressionAttributeNames must not be empty")
        for name in names:
            if not _NAME.fullmatch(name):
                raise validation(
                    f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"'
                )
        self._names_checked = True

    def check(self, names: Names, values: Any) -> None:
        """Refuse invalid and unused ones."""
        self.check_names(names)
        _refuse_unused("ExpressionAttributeNames", names, self.names)
        _refuse_unused("ExpressionAttributeValues", values, self.values)


def _refuse_unused(which: str, given: Any, used: set[str]) -> None:
    unused = sorted(given.keys() - used) if given else None
    if unused:
        raise validation(f"Value provided in {which} unused in expressions: keys: {{{', '.join(unused)}}}")
