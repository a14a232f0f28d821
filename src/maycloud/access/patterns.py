"""Wildcards and policy variables."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERALS = {"*": "*", "?": "?", "$": "$"}


def glob(pattern: str, value: str) -> bool:
    """Whether ``*`` and ``?`` of the pattern cover the value. At most len(pattern) * len(value) steps."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == value
    at = position = 0
    star, resume = -1, 0
    while position < len(value):
        if at < len(pattern) and pattern[at] == "*":
            star, resume = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", value[position]):
            at += 1
            position += 1
        elif star >= 0:
            # Let the last star take one character more.
            at = star + 1
            resume += 1
            position = resume
        else:
            return False
    return pattern[at:].strip("*") == ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with variables: literal pieces and (name, default) pairs."""

    pieces: tuple[str | tuple[str, str | None], ...]

    def value(self, context: Mapping[str, Any]) -> str | None:
        """The text with its variables filled in; None if one has no single value."""
        parts: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            value = context.get(piece[0])
            if isinstance(value, list | tuple):
                value = value[0] if len(value) == 1 else None
            if value is None:
                value = piece[1]
            if value is None:
                return None
            parts.append(str(value))
        return "".join(parts)


def compile_text(text: str) -> Text:
    """A policy text with ``${aws:username}``, ``${key, 'default'}`` and ``${*}``."""
    pieces: list[str | tuple[str, str | None]] = []
    last = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > last:
            pieces.append(text[last : match.start()])
        name, comma, default = match[1].partition(",")
        if name in _LITERALS:
            pieces.append(_LITERALS[name])
        else:
            quoted = default.strip()
            fallback = quoted[1:-1] if comma and len(quoted) >= 2 and quoted[0] == "'" else None
            pieces.append((name.strip().lower(), fallback))
        last = match.end()
    if last < len(text):
        pieces.append(text[last:])
    return Text(tuple(pieces))
