"""Words of expressions, and how errors about them read. Words as observed, see architect/dynalite's tests."""

import re
from dataclasses import dataclass, field
from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.services.dynamodb.values import Item

MAX_LENGTH = 4096  # bytes
MAX_DEPTH = 100
MAX_OPERATORS = 300

Names = dict[str, str] | None
Values = Item | None

_TOKEN = re.compile(
    r"\s*(?:(?P<name>#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<number>[0-9]+)|(?P<symbol><>|<=|>=|[=<>(),.\[\]+-])|(?P<other>\S))"
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens_of(kind: str, text: str) -> list[Token]:
    """The expression's tokens, an end marker last. Raises ValidationException."""
    if not text.strip():
        raise validation(f"Invalid {kind}: The expression can not be empty;")
    if len(text.encode()) > MAX_LENGTH:
        raise validation(
            f"Invalid {kind}: Expression size has exceeded the maximum allowed size; expression size:"
            f" {len(text.encode())}"
        )
    found: list[Token] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        assert match is not None and match.lastgroup is not None
        name = match.lastgroup
        token = Token(name, match[name], match.start(name), match.end())
        found.append(token)
        at = match.end()
        if name == "other":
            raise syntax_error(kind, text, found, len(found) - 1)
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

    def check(self, names: Names, values: Any) -> None:
        """Refuse invalid and unused ones."""
        if names is not None:
            if not names:
                raise validation("ExpressionAttributeNames must not be empty")
            for name in names:
                if not re.fullmatch(r"#[A-Za-z0-9_]+", name):
                    raise validation(
                        f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{name}"'
                    )
            unused = sorted(names.keys() - self.names)
            if unused:
                raise validation(
                    "Value provided in ExpressionAttributeNames unused in expressions: keys:"
                    f" {{{', '.join(unused)}}}"
                )
        if values is not None:
            unused = sorted(values.keys() - self.values)
            if unused:
                raise validation(
                    "Value provided in ExpressionAttributeValues unused in expressions: keys:"
                    f" {{{', '.join(unused)}}}"
                )
