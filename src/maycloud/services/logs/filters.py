"""Filter patterns: terms, JSON selectors, space-delimited fields.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable
from typing import Any

import orjson

from maycloud.errors import AwsError
from maycloud.globs import compile_glob

Matches = Callable[[str], bool]

_TERM = re.compile(r'(?P<sign>[-?]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>\S+))')
_TOKEN = re.compile(
    r"""\s*(?:(?P<op>&&|\|\||[()]|!=|>=|<=|=|>|<)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s()=!<>&|"]+))"""
)


def invalid() -> AwsError:
    return AwsError("InvalidParameterException", "Invalid filter pattern")


def compile_pattern(pattern: str) -> Matches:
    """A predicate of messages. Raises InvalidParameterException."""
    text = pattern.strip()
    if not text:
        return lambda _message: True
    if text.startswith("{"):
        if not text.endswith("}"):
            raise invalid()
        return _json_pattern(text[1:-1])
    if text.startswith("["):
        if not text.endswith("]"):
            raise invalid()
        return _fields_pattern(text[1:-1])
    return _terms(text)


def _terms(text: str) -> Matches:
    """All plain terms, none of the ``-`` ones, at least one of the ``?`` ones."""
    wanted: list[str] = []
    unwanted: list[str] = []
    optional: list[str] = []
    for match in _TERM.finditer(text):
        term = match["bare"] if match["quoted"] is None else re.sub(r"\\(.)", r"\1", match["quoted"])
        {"-": unwanted, "?": optional}.get(match["sign"], wanted).append(term)

    def matches(message: str) -> bool:
        return (
            all(term in message for term in wanted)
            and not any(term in message for term in unwanted)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _compare(value: Any, operator: str, wanted: str, *, quoted: bool) -> bool:
    if operator in (">", "<", ">=", "<="):
        try:
            number, other = float(value), float(wanted)
        except (TypeError, ValueError):
            return False
        return {">": number > other, "<": number < other, ">=": number >= other, "<=": number <= other}[
            operator
        ]
    if isinstance(value, bool | dict | list) or value is None:
        return False
    if not quoted:
        try:
            equal = float(value) == float(wanted)
        except (TypeError, ValueError):
            equal = compile_glob(wanted).fullmatch(str(value)) is not None
    else:
        equal = compile_glob(wanted).fullmatch(str(value)) is not None
    return equal if operator == "=" else not equal


class _Json:
    """Recursive descent over ``$.a = 1 && ($.b = "x" || $.c IS NULL)``."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise invalid()
            at = match.end()
            kind = next(name for name in ("op", "quoted", "word") if match[name] is not None)
            self._tokens.append((kind, match[kind]))
        self._at = 0

    def parse(self) -> Callable[[Any], bool]:
        found = self._any()
        if self._at != len(self._tokens):
            raise invalid()
        return found

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _any(self) -> Callable[[Any], bool]:
        tests = [self._all()]
        while self._peek() == ("op", "||"):
            self._take()
            tests.append(self._all())
        return lambda value: any(test(value) for test in tests)

    def _all(self) -> Callable[[Any], bool]:
        tests = [self._one()]
        while self._peek() == ("op", "&&"):
            self._take()
            tests.append(self._one())
        return lambda value: all(test(value) for test in tests)

    def _one(self) -> Callable[[Any], bool]:
        if self._peek() == ("op", "("):
            self._take()
            inner = self._any()
            if self._take() != ("op", ")"):
                raise invalid()
            return inner
        kind, selector = self._take()
        if kind != "word" or not selector.startswith("$"):
            raise invalid()
        path = [part for part in re.split(r"[.\[\]]+", selector[1:]) if part]
        kind, word = self._take()
        if kind == "word":
            return self._words(path, word.upper())
        if kind != "op" or word not in ("=", "!=", ">", "<", ">=", "<="):
            raise invalid()
        value_kind, wanted = self._take()
        if value_kind not in ("quoted", "word"):
            raise invalid()
        quoted = value_kind == "quoted"
        return lambda value: _compare(follow(value, path), word, wanted, quoted=quoted)

    def _words(self, path: list[str], word: str) -> Callable[[Any], bool]:
        """``IS TRUE``, ``IS FALSE``, ``IS NULL``, ``NOT EXISTS``, ``EXISTS``."""
        if word == "EXISTS":
            return lambda value: follow(value, path, _MISSING) is not _MISSING
        _, second = self._take()
        if (word, second.upper()) == ("NOT", "EXISTS"):
            return lambda value: follow(value, path, _MISSING) is _MISSING
        wanted = {"TRUE": True, "FALSE": False, "NULL": None}
        if word != "IS" or second.upper() not in wanted:
            raise invalid()
        return lambda value: follow(value, path, _MISSING) is wanted[second.upper()]


_MISSING = object()


def follow(value: Any, path: list[str], default: Any = None) -> Any:
    """What a path of names and indexes leads to."""
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return default
    return value


def _json_pattern(text: str) -> Matches:
    test = _Json(text).parse()

    def matches(message: str) -> bool:
        try:
            return test(orjson.loads(message))
        except orjson.JSONDecodeError:
            return False

    return matches


_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')


def _fields_pattern(text: str) -> Matches:
    """``[ip, user, status=404, ...]``: fields of a line by position."""
    tests: list[tuple[str, str] | None] = []
    rest = False
    for part in [part.strip() for part in text.split(",")]:
        if part == "...":
            rest = True
            continue
        match = re.fullmatch(r"\w+\s*(!=|>=|<=|=|>|<)\s*(.+)", part)
        tests.append((match[1], match[2].strip().strip('"')) if match else None)

    def matches(message: str) -> bool:
        fields = ["".join(found) for found in _FIELD.findall(message)]
        if len(fields) < len(tests) or (len(fields) > len(tests) and not rest):
            return False
        return all(
            test is None or _compare(field, *test, quoted=False)
            for field, test in zip(fields, tests, strict=False)
        )

    return matches


def fields_of(pattern: str, message: str) -> dict[str, str]:
    """The fields of a line by the names that a pattern ``[ip, user, ...]`` gives them."""
    text = pattern.strip()
    if not text.startswith("["):
        return {}
    names = [re.split(r"\s*(?:!=|>=|<=|=|>|<)", part.strip())[0] for part in text[1:-1].split(",")]
    return dict(zip(names, ["".join(found) for found in _FIELD.findall(message)], strict=False))


def extracted(pattern: str, message: str) -> dict[str, str]:
    """What TestMetricFilter tells of a match: fields as ``$name``, and JSON selectors with their values."""
    text = pattern.strip()
    if text.startswith("["):
        return {f"${name}": value for name, value in fields_of(text, message).items()}
    if not text.startswith("{"):
        return {}
    document = orjson.loads(message)
    selectors = dict.fromkeys(re.findall(r"\$\.[\w.\[\]]+", text))
    found = {each: follow(document, [p for p in re.split(r"[.\[\]]+", each[1:]) if p]) for each in selectors}
    return {each: str(value) for each, value in found.items() if value is not None}
