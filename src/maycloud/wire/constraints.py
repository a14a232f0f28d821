"""The constraints of AWS's models: what must be there, how long, how large, which values.

Worded as AWS's servers word them: "2 validation errors detected: Value null at 'keySchema' failed to satisfy
constraint: Member must not be null; Value …". As observed of DynamoDB, Lambda and others; dynalite's tests
hold many.
"""

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from maycloud.errors import AwsError
from maycloud.wire import documents
from maycloud.wire.models import Model, Shape

Check = Callable[[Any, str, list[str]], None]
"""Adds what is wrong with a value at a path to a list of problems."""
Fails = Callable[[Any, str, str], str]
"""Words a problem: value, path, constraint."""

_VISIBLE = "[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]"  # letters, marks, symbols, numbers, punctuation: all but spaces
_NOT_NULL = "Member must not be null"
_SHOWN = 1_000  # characters of a value that an error repeats
_MOST = 10  # problems that an error tells of, as dynalite's test/createTable.js observed
# Services that do not repeat the values they refuse.
_UNSEEN = frozenset({"iam"})
# Lists whose refusals end in "Member must not be null": as recorded of IAM's tag keys and of Lambda.
_NEVER_NULL = {"iam": frozenset({"tagKeyListType"}), "lambda": None}
_CODES = {
    "cloudformation": "ValidationError",
    "iam": "ValidationError",
    "sts": "ValidationError",
    "cloudwatch": "ValidationError",
    "logs": "InvalidParameterException",
    "cognito-idp": "InvalidParameterException",
    "cloudfront": "MalformedXML",
}
# Shapes whose values the service reads itself, or whose constraint AWS states otherwise than its model.
_OPAQUE = {
    "dynamodb": frozenset({"AttributeValue", "AttributeMap", "Key", "PutItemInputAttributeMap"}),
    "ssm": frozenset({"ParameterName", "PSParameterName"}),
    "logs": frozenset({"LogGroupName", "LogStreamName"}),
    "cognito-idp": frozenset({"DomainType"}),  # has no dots in the model, and has them in custom domains
}
# Values in the order in which AWS lists them, where its model has another; see dynalite's tests, and for API
# Gateway LocalStack's tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
_ORDERS = {
    "apigateway": {
        "GatewayResponseType": (
            "REQUEST_TOO_LARGE", "RESOURCE_NOT_FOUND", "AUTHORIZER_CONFIGURATION_ERROR",
            "MISSING_AUTHENTICATION_TOKEN", "BAD_REQUEST_BODY", "INVALID_SIGNATURE", "INVALID_API_KEY",
            "BAD_REQUEST_PARAMETERS", "AUTHORIZER_FAILURE", "UNAUTHORIZED", "INTEGRATION_TIMEOUT",
            "ACCESS_DENIED", "DEFAULT_4XX", "DEFAULT_5XX", "WAF_FILTERED", "QUOTA_EXCEEDED", "THROTTLED",
            "API_CONFIGURATION_ERROR", "UNSUPPORTED_MEDIA_TYPE", "INTEGRATION_FAILURE", "EXPIRED_TOKEN",
        ),
        "EndpointType": ("PRIVATE", "EDGE", "REGIONAL"),
        "Op": ("add", "remove", "move", "test", "replace", "copy"),
    },
    "dynamodb": {
        "AttributeAction": ("ADD", "DELETE", "PUT"),
        "ComparisonOperator": (
            "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH",
            "GE", "CONTAINS",
        ),
        "ConditionalOperator": ("OR", "AND"),
        "ProjectionType": ("ALL", "INCLUDE", "KEYS_ONLY"),
        "ReturnValue": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
        "ScalarAttributeType": ("B", "N", "S"),
        "Select": ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
    },
}  # fmt: skip


# Members that the service checks itself, in words of its own: LocalStack's test_create_lambda_exceptions.
_FREE = {"lambda": frozenset({"Runtime"})}


class Constraints:
    """Compiled checks of one service's inputs."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._made: dict[str, Check | None] = {}
        self._open: set[str] = set()
        self._opaque = _OPAQUE.get(model.name, frozenset())
        self._orders = _ORDERS.get(model.name, {})
        self._free = _FREE.get(model.name, frozenset())
        self._code = _CODES.get(model.name, "ValidationException")
        self._fails: Fails = _fails_unseen if model.name in _UNSEEN else _fails

    def of(self, operation: str) -> Callable[[dict[str, Any]], None] | None:
        """A function that raises for an input that breaks its model, or None if nothing can be broken."""
        if self._model.name == "s3":
            return documents.check_of(self._model, operation)
        # API Gateway, as recorded, tells of the body first and puts the name of its input before it.
        prefix = f"{_spelled(operation)}Input." if self._model.name == "apigateway" else ""
        check = self._structure(self._model.input(operation), prefix)
        if check is None:
            return None
        code = self._code

        def run(params: dict[str, Any]) -> None:
            problems: list[str] = []
            check(params, "", problems)
            if problems:
                del problems[_MOST:]
                count = len(problems)
                plural = "s" if count > 1 else ""
                raise AwsError(code, f"{count} validation error{plural} detected: {'; '.join(problems)}")

        return run

    def _of(self, reference: Shape) -> Check | None:
        name = reference["shape"]
        if name in self._opaque:
            return None
        if name in self._open:
            # A recursive shape: its check is found when it is called.
            return lambda value, path, problems: (self._made.get(name) or _nothing)(value, path, problems)
        if name not in self._made:
            self._open.add(name)
            self._made[name] = self._compile(self._member(reference))
            self._open.discard(name)
        return self._made[name]

    def _member(self, reference: Shape) -> Shape:
        shape = self._model.member(reference)
        order = self._orders.get(reference["shape"])
        return shape | {"enum": [*order]} if order else shape

    def _compile(self, shape: Shape) -> Check | None:
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            item, each = self._of(shape["member"]), self._member(shape["member"])
            if item is not None and each["type"] == "string":
                return _strings_check(shape, item, self._whole(shape, each), self._fails)
            return _list_check(shape, item, self._fails)
        if kind == "map":
            each = self._model.member(shape["value"])
            item = self._of(shape["value"])
            if self._model.name == "lambda":
                return self._whole_map(shape)
            if each["type"] == "list" and ("min" in each or "max" in each):
                return _map_check(shape, self._of(shape["key"]), item, self._fails, each)
            return _map_check(shape, self._of(shape["key"]), item, self._fails)
        if kind == "string":
            return _string_check(shape, self._fails)
        if kind == "blob" and ("min" in shape or "max" in shape):
            return _length_check(shape, self._fails)
        if kind in ("integer", "long", "float", "double") and ("min" in shape or "max" in shape):
            return _range_check(shape, self._fails)
        return None

    def _whole_map(self, shape: Shape) -> Check:
        """A map of which all that is asked is told, as recorded of Lambda's."""
        key, value = self._member(shape["key"]), self._member(shape["value"])
        return _whole_map_check(
            shape,
            (self._of(shape["key"]), f"[{', '.join([*_asked(key), _NOT_NULL])}]"),
            (self._of(shape["value"]), f"[{', '.join([*_asked(value), _NOT_NULL])}]"),
            _fails_unseen if shape.get("sensitive") else self._fails,
        )

    def _whole(self, shape: Shape, each: Shape) -> str:
        """All that a list of strings asks of each of them, which is told if one is not so."""
        asked = _asked(each)
        lists = _NEVER_NULL.get(self._model.name, frozenset())
        if lists is None or shape["shape"] in lists:
            asked.append(_NOT_NULL)
        return f"Member must satisfy constraint: [{', '.join(asked)}]"

    def _structure(self, shape: Shape, prefix: str = "") -> Check | None:
        """`prefix` stands before the names of members that come in the body, and puts them first."""
        members: list[tuple[str, str, bool, Check | None]] = []
        required = set(shape.get("required", []))
        for member, reference in shape.get("members", {}).items():
            check = None if member in self._free else self._of(reference)
            if check is not None or member in required:
                name = _spelled(member) if "location" in reference else prefix + _spelled(member)
                members.append((member, name, member in required, check))
        if prefix:
            members.sort(key=lambda each: not each[1].startswith(prefix))
        if not members:
            return None

        def run(value: Any, path: str, problems: list[str]) -> None:
            if value.__class__ is not dict:
                return
            for member, name, needed, check in members:
                if member in value:
                    item = value[member]
                    if item is not None:
                        if check is not None:
                            check(item, f"{path}.{name}" if path else name, problems)
                        continue
                if needed:
                    where = f"{path}.{name}" if path else name
                    problems.append(f"Value null at '{where}' failed to satisfy constraint: {_NOT_NULL}")

        return run


def _asked(each: Shape) -> list[str]:
    """All constraints of a shape, in AWS's words and order."""
    what = "length" if each["type"] == "string" else "value"
    asked: list[str] = []
    if "max" in each:
        asked.append(f"Member must have {what} less than or equal to {each['max']}")
    if "min" in each:
        asked.append(f"Member must have {what} greater than or equal to {each['min']}")
    if "pattern" in each:
        asked.append(f"Member must satisfy regular expression pattern: {each['pattern']}")
    if each.get("enum"):
        asked.append(f"Member must satisfy enum value set: [{', '.join(each['enum'])}]")
    return asked


def _nothing(_value: Any, _path: str, _problems: list[str]) -> None:
    """What a recursive shape without constraints checks."""


def _spelled(member: str) -> str:
    """A member as errors name it: ``tableName`` for TableName, ``SSESpecification`` as it is."""
    if len(member) > 1 and member[1].isupper():
        return member
    return member[:1].lower() + member[1:]


def _strings_check(shape: Shape, item: Check, whole: str, fails: Fails) -> Check:
    """A list of strings is refused as a whole: Value '[a, b]' at 'names', and all that is asked of each."""
    length = _length_check(shape, fails) if "min" in shape or "max" in shape else None

    def run(value: Any, path: str, problems: list[str]) -> None:
        if length is not None:
            length(value, path, problems)
        broken: list[str] = []
        for each in value:
            if each is None:
                broken.append(_NOT_NULL)
            else:
                item(each, path, broken)
        if broken:
            problems.append(fails(value, path, whole))

    return run


def _list_check(shape: Shape, item: Check | None, fails: Fails) -> Check:
    length = _length_check(shape, fails) if "min" in shape or "max" in shape else None

    def run(value: Any, path: str, problems: list[str]) -> None:
        if length is not None:
            length(value, path, problems)
        if item is None and None not in value:
            return
        for index, each in enumerate(value, 1):
            if each is None:
                where = f"{path}.{index}.member"
                problems.append(f"Value null at '{where}' failed to satisfy constraint: {_NOT_NULL}")
            elif item is not None:
                item(each, f"{path}.{index}.member", problems)

    return run


def _map_check(
    shape: Shape, key: Check | None, item: Check | None, fails: Fails, lists: Shape | None = None
) -> Check:
    """Of a map of lists (``lists`` is their shape) a list's length is told of as the map's."""
    length = _length_check(shape, fails) if "min" in shape or "max" in shape else None
    low, high = (lists or {}).get("min", 0), (lists or {}).get("max")
    asked = [f"Member must have length less than or equal to {high}"] if high is not None else []
    if low:
        asked.append(f"Member must have length greater than or equal to {low}")
    whole = f"Map value must satisfy constraint: [{', '.join(asked)}]"

    def run(value: Any, path: str, problems: list[str]) -> None:
        if length is not None:
            length(value, path, problems)
        for name, each in value.items():
            if key is not None:
                broken: list[str] = []
                key(name, path, broken)
                if broken:
                    words = ", ".join(problem.partition("constraint: ")[2] for problem in broken)
                    problems.append(fails(value, path, f"Map keys must satisfy constraint: [{words}]"))
            if each is None:
                problems.append(fails(value, path, f"Map value must satisfy constraint: [{_NOT_NULL}]"))
            elif asked and (len(each) < low or (high is not None and len(each) > high)):
                problems.append(fails(value, path, whole))
            elif item is not None:
                item(each, f"{path}.{name}.member", problems)

    return run


def _whole_map_check(
    shape: Shape, key: tuple[Check | None, str], item: tuple[Check | None, str], fails: Fails
) -> Check:
    """Keys and values each with a check and with the words for all that it asks."""
    length = _length_check(shape, fails) if "min" in shape or "max" in shape else None

    def broken(check: Check | None, each: Any, path: str) -> bool:
        found: list[str] = []
        if each is not None and check is not None:
            check(each, path, found)
        return each is None or bool(found)

    def run(value: Any, path: str, problems: list[str]) -> None:
        if length is not None:
            length(value, path, problems)
        if any(broken(key[0], each, path) for each in value):
            problems.append(fails(value, path, f"Map keys must satisfy constraint: {key[1]}"))
        if any(broken(item[0], each, path) for each in value.values()):
            problems.append(fails(value, path, f"Map value must satisfy constraint: {item[1]}"))

    return run


def _string_check(shape: Shape, wording: Fails) -> Check | None:
    values = shape.get("enum")
    low, high = shape.get("min"), shape.get("max")
    pattern = _pattern(shape.get("pattern"))
    if not values and low is None and high is None and pattern is None:
        return None
    allowed = frozenset(values or ())
    fails = _fails_unseen if shape.get("sensitive") else wording
    listed = f"[{', '.join(values or ())}]"

    def run(value: Any, path: str, problems: list[str]) -> None:
        if value.__class__ is not str:
            return
        if allowed and value not in allowed:
            problems.append(fails(value, path, f"Member must satisfy enum value set: {listed}"))
        if pattern is not None and pattern.fullmatch(value) is None:
            problems.append(
                fails(value, path, f"Member must satisfy regular expression pattern: {shape['pattern']}")
            )
        if high is not None and len(value) > high:
            problems.append(fails(value, path, f"Member must have length less than or equal to {high}"))
        if low is not None and len(value) < low:
            problems.append(fails(value, path, f"Member must have length greater than or equal to {low}"))

    return run


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """A model's pattern, where Python can read Java's."""
    if text is None or text in (".*", "[\\s\\S]*", "^.*$", ".+"):
        return None
    # Python has no classes by Unicode category; these take a little more, in and out of brackets.
    translated = text.replace(_VISIBLE, r"[^\s\x00-\x1f\x7f-\x9f]")
    translated = translated.replace("\\p{L}", r"\w").replace("\\p{Z}", r"\s").replace("\\p{N}", r"\d")
    with warnings.catch_warnings():
        # Java's sets may hold brackets that Python warns of.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return re.compile(translated)
        except re.error:
            return None


def _length_check(shape: Shape, fails: Fails) -> Check:
    low, high = shape.get("min"), shape.get("max")

    def run(value: Any, path: str, problems: list[str]) -> None:
        if not hasattr(value, "__len__"):
            return
        if high is not None and len(value) > high:
            problems.append(fails(value, path, f"Member must have length less than or equal to {high}"))
        if low is not None and len(value) < low:
            problems.append(fails(value, path, f"Member must have length greater than or equal to {low}"))

    return run


def _range_check(shape: Shape, fails: Fails) -> Check:
    low, high = shape.get("min"), shape.get("max")

    def run(value: Any, path: str, problems: list[str]) -> None:
        if high is not None and value > high:
            problems.append(fails(value, path, f"Member must have value less than or equal to {high}"))
        if low is not None and value < low:
            problems.append(fails(value, path, f"Member must have value greater than or equal to {low}"))

    return run


def _fails_unseen(_value: Any, path: str, constraint: str) -> str:
    """For what AWS's models call sensitive: a password is not repeated."""
    return f"Value at '{path}' failed to satisfy constraint: {constraint}"


def _fails(value: Any, path: str, constraint: str) -> str:
    return f"Value '{_show(value)}' at '{path}' failed to satisfy constraint: {constraint}"


def _show(value: Any) -> str:
    """A value as Java prints it, cut where it is long, inside its brackets; bytes are never shown."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return "{" + _joined(f"{key}={_show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + _joined(_show(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _cut(str(value))


def _joined(pieces: Iterable[str]) -> str:
    shown: list[str] = []
    room = _SHOWN
    for piece in pieces:
        if room <= 0:
            shown.append("…")
            break
        shown.append(piece)
        room -= len(piece)
    return ", ".join(shown)


def _cut(shown: str) -> str:
    return shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
