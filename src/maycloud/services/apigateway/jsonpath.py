"""The part of JSONPath that mapping templates use: ``$``, ``.a``, ``['a']``, ``[0]``, ``[*]``, ``..a``."""

import functools
import re
from typing import Any

_STEP = re.compile(
    r"""\.\.(?P<deep>[A-Za-z_@$][\w@$-]*)
      | \.(?P<name>[A-Za-z_@$][\w@$-]*|\*)
      | \[\s*'(?P<single>[^']*)'\s*\]
      | \[\s*"(?P<double>[^"]*)"\s*\]
      | \[\s*(?P<index>-?\d{1,18}|\*)\s*\]
      | \[\s*(?P<start>-?\d{0,18})\s*:\s*(?P<stop>-?\d{0,18})\s*\]""",
    re.VERBOSE,
)

MAX_FOUND = 100_000  # values that a path may lead to on its way: two steps to any depth multiply

Step = tuple[str, Any]


class PathError(ValueError):
    """The path cannot be read."""


@functools.lru_cache(maxsize=1024)
def parse(path: str) -> tuple[Step, ...]:
    text = path.strip()
    text = text[1:] if text.startswith("$") else (text if text.startswith(("[", ".")) else f".{text}")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise PathError(path)
        at = match.end()
        found = match.groupdict()
        if found["deep"] is not None:
            steps.append(("deep", found["deep"]))
        elif found["index"] is not None:
            steps.append(("all", None) if found["index"] == "*" else ("index", int(found["index"])))
        elif found["start"] is not None:
            bounds = [int(found[name]) if found[name] else None for name in ("start", "stop")]
            steps.append(("slice", tuple(bounds)))
        else:
            name = next(found[key] for key in ("name", "single", "double") if found[key] is not None)
            steps.append(("all", None) if name == "*" and found["name"] else ("name", name))
    return tuple(steps)


def find(path: str, value: Any) -> Any:
    """What the path leads to; a list where it may lead to many; None where it leads nowhere."""
    values = [value]
    many = False
    for kind, argument in parse(path):
        reached: list[Any] = []
        for each in values:
            reached += _follow(kind, argument, each)
            if len(reached) > MAX_FOUND:
                raise PathError(path)
        values = reached
        many = many or kind in ("deep", "all", "slice")
    if many:
        return values
    return values[0] if values else None


def _follow(kind: str, argument: Any, value: Any) -> list[Any]:
    if kind == "name":
        return [value[argument]] if isinstance(value, dict) and argument in value else []
    if kind == "index":
        fits = isinstance(value, list) and -len(value) <= argument < len(value)
        return [value[argument]] if fits else []
    if kind == "slice":
        return value[slice(*argument)] if isinstance(value, list) else []
    if kind == "all":
        if isinstance(value, dict):
            return list(value.values())
        return list(value) if isinstance(value, list) else []
    found: list[Any] = []
    _descend(argument, value, found)
    return found


def _descend(name: str, value: Any, found: list[Any]) -> None:
    if isinstance(value, dict):
        if name in value:
            found.append(value[name])
        for item in value.values():
            _descend(name, item, found)
    elif isinstance(value, list):
        for item in value:
            _descend(name, item, found)
