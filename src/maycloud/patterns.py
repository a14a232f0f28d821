"""Regular expressions that users write, which must not be able to stop the cloud.

Python's own `re` backtracks without end and holds the interpreter while it does. `regex` reads more of
Java's syntax (``\\p{L}``, possessive quantifiers) and looks at a clock: what is not decided after `LIMIT`
seconds counts as no match. It is imported at first use.
"""

import functools
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import regex

log = logging.getLogger("maycloud")

LIMIT = 0.05  # seconds of one match
MAX_PATTERN = 4096  # characters; a longer one takes long to be compiled


class PatternError(ValueError):
    """What is no regular expression."""


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str) -> "regex.Pattern[str]":
    """Raises PatternError."""
    import regex

    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"longer than {MAX_PATTERN} characters")
    try:
        return regex.compile(pattern, regex.DOTALL, cache_pattern=False)
    except (regex.error, RecursionError, OverflowError) as error:
        raise PatternError(str(error)) from error


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the whole of `text` matches; a dot matches line ends too. Raises PatternError."""
    return _within(pattern, lambda found: found.fullmatch(text, timeout=LIMIT)) is not None


def search(pattern: str, text: str) -> bool:
    """Whether any part of `text` matches. Raises PatternError."""
    return _within(pattern, lambda found: found.search(text, timeout=LIMIT)) is not None


def substitute(pattern: str, replacement: str, text: str) -> str:
    """`text` with each match replaced; as it is where that takes too long. Raises PatternError."""
    try:
        found = _within(pattern, lambda found: found.sub(replacement, text, timeout=LIMIT))
    except (IndexError, ValueError) as error:
        raise PatternError(str(error)) from error
    return text if found is None else found


def _within(pattern: str, work: Any) -> Any:
    try:
        return work(compiled(pattern))
    except TimeoutError:
        log.warning("a regular expression was given up after %s s: %.200s", LIMIT, pattern)
        return None
