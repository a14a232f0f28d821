"""Patch operations on what API Gateway keeps.

Which paths and operations a resource takes:
https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.apigateway.service import bad_request, not_found

Operation = dict[str, Any]
Parser = Callable[[str, str], Any]


def as_text(_path: str, value: str) -> str:
    return value


def as_flag(path: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise bad_request(f"Invalid value '{value}' specified for '{path}'. Must be 'true' or 'false'")
    return value.lower() == "true"


def as_said(_path: str, value: str) -> bool:
    """For methods and validators whatever is not ``true`` is false, in LocalStack's recordings of AWS."""
    return value.lower() == "true"


def as_whole(path: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise bad_request(f"Invalid number '{value}' specified for '{path}'") from None


def as_number(path: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise bad_request(f"Invalid number '{value}' specified for '{path}'") from None


REPLACE = frozenset({"replace"})
REMOVABLE = frozenset({"replace", "remove"})
ANY = frozenset({"add", "replace", "remove"})
LISTED = frozenset({"add", "remove"})


@dataclass(frozen=True, slots=True)
class Rule:
    """A path that may be patched; ``{name}`` stands for one part, with ``~1`` for a slash.

    An empty value takes a member away if `ops` has ``remove`` or with `clears`, and is refused otherwise.
    With `members`, the path is of a list, and the value is added to it or removed.
    """

    path: str
    ops: frozenset[str] = REPLACE
    parse: Parser = as_text
    members: bool = False
    clears: bool = False

    def match(self, path: str) -> bool:
        wanted, parts = self.path.split("/"), path.split("/")
        return len(wanted) == len(parts) and all(
            pattern == part or (pattern.startswith("{") and part != "")
            for pattern, part in zip(wanted, parts, strict=True)
        )


def parts_of(path: str) -> list[str]:
    return [unescaped(part) for part in path.split("/")[1:]]


def unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


# AWS words what may not be patched in three ways, by the kind of resource; all as recorded of it in
# LocalStack's tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
Refusal = Callable[[Operation, Sequence[Rule], Sequence[Rule]], AwsError]


def in_full(operation: Operation, rules: Sequence[Rule], matching: Sequence[Rule]) -> AwsError:
    """Resources, models, validators and others: which paths there are."""
    path, op = operation.get("path") or "", operation.get("op") or ""
    if matching or not any(op in rule.ops for rule in rules):
        advice = "Please choose supported operations"
    else:
        advice = f"Must be one of: [{', '.join(rule.path for rule in rules)}]"
    return bad_request(f"Invalid patch path  '{path}' specified for op '{op}'. {advice}")


def by_operation(operation: Operation, rules: Sequence[Rule], matching: Sequence[Rule]) -> AwsError:
    """APIs and methods: which operations a path takes."""
    if not matching:
        return by_path(operation, rules, matching)
    known = ", ".join(sorted({op for rule in matching for op in rule.ops}))
    return bad_request(f"Invalid patch operation specified. Must be one of: [{known}]")


def by_path(operation: Operation, _rules: Sequence[Rule], _matching: Sequence[Rule]) -> AwsError:
    """Gateway responses: nothing but the path."""
    return bad_request(f"Invalid patch path {operation.get('path') or 'null'}")


def apply(
    document: dict[str, Any],
    operations: Sequence[Operation] | None,
    rules: Sequence[Rule],
    refusal: Refusal = in_full,
) -> None:
    """Patch `document` in place. Raises BadRequestException as AWS words it."""
    for operation in operations or ():
        rule = find(operation, rules, refusal)
        path, op = operation["path"], operation["op"]
        parts = parts_of(path)
        if rule.members:
            _list_member(document, parts, op, operation.get("value"))
        elif op == "remove":
            _remove(document, parts, named="{" in rule.path)
        else:
            _set(document, parts, _value(operation, rule), op)


def find(operation: Operation, rules: Sequence[Rule], refusal: Refusal = in_full) -> Rule:
    """The rule for an operation."""
    path, op = operation.get("path") or "", operation.get("op") or ""
    matching = [rule for rule in rules if rule.match(path)]
    for rule in matching:
        if op in rule.ops:
            return rule
    raise refusal(operation, rules, matching)


def _value(operation: Operation, rule: Rule) -> Any:
    """The parsed value; None where an empty one takes the member away, if that may be."""
    value = operation.get("value")
    if rule.parse is as_said:
        return as_said(operation["path"], value or "")
    if value or (value == "" and "{" in rule.path and rule.parse is as_text):
        return rule.parse(operation["path"], value)
    if not ("remove" in rule.ops or rule.clears) or rule.parse is as_flag:
        raise bad_request(f"Invalid null or empty value in {operation['path']}")
    return None


def _parent(document: dict[str, Any], parts: list[str], make: bool) -> Any:
    parent: Any = document
    for part in parts[:-1]:
        if make and parent.get(part) is None:
            parent[part] = {}
        parent = parent.get(part)
        if parent is None:
            return None
    return parent


def _set(document: dict[str, Any], parts: list[str], value: Any, op: str) -> None:
    parent, last = _parent(document, parts, True), parts[-1]
    if isinstance(parent, list):
        # An entry of a list is named by its value: replacing it puts another in its place.
        if op == "replace" and last in parent and value is not None:
            parent[parent.index(last)] = value
        elif last not in parent:
            parent.append(last)
    elif value is None:
        parent.pop(last, None)
    else:
        parent[last] = value


def _remove(document: dict[str, Any], parts: list[str], named: bool) -> None:
    """Only of what the caller has named itself is it an error that it is not there."""
    parent, last = _parent(document, parts, False), parts[-1]
    if isinstance(parent, list):
        if last not in parent:
            raise not_found("Invalid parameter name specified")
        parent.remove(last)
    elif parent is not None and last in parent:
        del parent[last]
    elif named:
        raise not_found("Invalid parameter name specified")


def _list_member(document: dict[str, Any], parts: list[str], op: str, value: str | None) -> None:
    parent, last = _parent(document, parts, True), parts[-1]
    found: list[str] = parent.setdefault(last, [])
    if op == "remove":
        if value is None:
            del parent[last]
        elif value in found:
            found.remove(value)
    elif value and value not in found:
        found.append(value)
