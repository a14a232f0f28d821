"""Finding an API's resource by path: a tree, so that the cost is the path's length alone.

A literal part goes before ``{variable}``, and that before ``{greedy+}``.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote


class _Node:
    __slots__ = ("greedy", "literals", "target", "variable")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.variable: tuple[str, _Node] | None = None
        self.greedy: tuple[str, Any] | None = None
        self.target: Any = None


class Router:
    """Targets by resource path, ``/todos/{id}`` or ``/{proxy+}``."""

    def __init__(self, resources: Iterable[tuple[str, Any]]) -> None:
        self._root = _Node()
        for path, target in resources:
            self._add(path, target)

    def _add(self, path: str, target: Any) -> None:
        node = self._root
        for part in [part for part in path.split("/") if part]:
            if part.startswith("{") and part.endswith("+}"):
                node.greedy = (part[1:-2], target)
                return
            if part.startswith("{") and part.endswith("}"):
                if node.variable is None:
                    node.variable = (part[1:-1], _Node())
                node = node.variable[1]
            else:
                node = node.literals.setdefault(part, _Node())
        node.target = target

    def match(self, path: str) -> tuple[Any, dict[str, str]] | None:
        """The target of a path as sent, percent-encoded, and its parameters, which stay so.

        As recorded of AWS: LocalStack's test_lambda_aws_proxy_integration, aws/aws-sam-cli issue 771.
        """
        trimmed = path[1:] if path.startswith("/") else path
        # One slash at the end does not matter.
        trimmed = trimmed.removesuffix("/")
        parts = trimmed.split("/") if trimmed else []
        found = self._walk(self._root, parts, 0)
        if found is None:
            return None
        return found

    def _walk(self, node: _Node, parts: list[str], at: int) -> tuple[Any, dict[str, str]] | None:
        if at == len(parts):
            return (node.target, {}) if node.target is not None else None
        part = parts[at]
        literal = node.literals.get(part) or node.literals.get(unquote(part))
        if literal is not None:
            found = self._walk(literal, parts, at + 1)
            if found is not None:
                return found
        if node.variable is not None and part:
            name, below = node.variable
            found = self._walk(below, parts, at + 1)
            if found is not None:
                found[1][name] = part
                return found
        if node.greedy is not None:
            name, target = node.greedy
            return target, {name: "/".join(parts[at:])}
        return None
