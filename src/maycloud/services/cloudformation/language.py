"""AWS::LanguageExtensions: loops written out, and names that functions give put in their place.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-languageextensions.html
A loop's identifier counts in the keys of its fragment (``${Id}``, or ``&{Id}`` without what is not
alphanumeric), in the text of Fn::Sub and in Ref; other strings stay as they are.
"""

import re
from collections.abc import Iterator
from typing import Any

from maycloud.services.cloudformation.coercion import text
from maycloud.services.cloudformation.graph import references
from maycloud.services.cloudformation.intrinsics import NO_VALUE, PSEUDO, Scope, unsupported
from maycloud.services.cloudformation.template import (
    LOOP,
    Template,
    declared_transforms,
    error,
    format_error,
)

LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
SECTIONS = ("Conditions", "Resources", "Outputs")
MAX_DEPTH = 5  # loops within loops
MAX_MEMBERS = 10_000  # that the loops of a template may write out together

_PLACEHOLDER = re.compile(r"([$&])\{([A-Za-z0-9]+)\}")
_NOT_BEFORE = ("Fn::Length", "Fn::ToJsonString")  # functions that only the transform knows


def check_undeclared(template: Template) -> None:
    """Raise for functions of the transform in a template that does not declare it."""
    if LANGUAGE_EXTENSIONS in declared_transforms(template):
        return
    for section in SECTIONS:
        for path, name in _used(template.get(section), f"/{section}"):
            if name.startswith(LOOP):
                raise format_error(f"[{path}] resource definition is malformed")
            raise unsupported(name)


def _used(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _used(item, f"{path}/{index}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _NOT_BEFORE or name.startswith(LOOP):
                yield f"{path}/{name}", name
            yield from _used(item, f"{path}/{name}")


def extend(template: Template, scope: Scope) -> Template:
    """The template with its loops written out. `scope` knows parameters and pseudo parameters alone."""
    writer = _Writer(scope)
    return template | {
        section: writer.write(template[section], {}) for section in SECTIONS if template.get(section)
    }


def _failed(message: str) -> Exception:
    return error(f"Transform {LANGUAGE_EXTENSIONS} failed with: {message}")


Bindings = dict[str, str]


class _Writer:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._members = 0

    def write(self, value: Any, bound: Bindings, depth: int = 0) -> Any:
        """`value` with its loops written out and the identifiers in `bound` replaced."""
        if isinstance(value, list):
            return [self.write(item, bound, depth) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._ref(argument, bound, depth)
            if name == "Fn::Sub":
                return {"Fn::Sub": self._sub(argument, bound, depth)}
            if name == "Fn::GetAtt" and isinstance(argument, list):
                return {name: [self._name(part, bound, depth) for part in argument]}
        found: dict[str, Any] = {}
        for key, item in value.items():
            if key.startswith(LOOP):
                for made, body in self._loop(key, item, bound, depth + 1):
                    if made in found:
                        raise _failed(
                            f"Duplicate key '{made}' when merging keys to parent object in Fn::ForEach"
                        )
                    found[made] = body
            elif key in ("Condition", "DependsOn") and not isinstance(item, str):
                found[key] = (
                    [self._name(each, bound, depth) for each in item]
                    if isinstance(item, list)
                    else self._name(item, bound, depth)
                )
            else:
                found[key] = self.write(item, bound, depth)
        return found

    def _loop(self, key: str, loop: Any, bound: Bindings, depth: int) -> Iterator[tuple[str, Any]]:
        if (
            not isinstance(loop, list)
            or len(loop) != 3
            or not isinstance(loop[0], str)
            or not isinstance(loop[2], dict)
            or not loop[2]
            or len(key) == len(LOOP)
        ):
            raise _failed("Fn::ForEach layout is incorrect")
        if depth > MAX_DEPTH:
            raise _failed(f"Fn::ForEach loops may be nested {MAX_DEPTH} deep at the most")
        identifier, collection, fragment = loop
        for item in self._collection(collection, bound, depth):
            inner = bound | {identifier: item}
            for name, body in fragment.items():
                if name.startswith(LOOP):
                    yield from self._loop(name, body, inner, depth + 1)
                    continue
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise _failed("Fn::ForEach makes too large a template")
                yield _fill(name, inner, "$&"), self.write(body, inner, depth)

    def _collection(self, value: Any, bound: Bindings, depth: int) -> list[str]:
        unresolved = _failed("Could not find a collection or could not be resolved for Fn::ForEach")
        written = self.write(value, bound, depth)
        if any(name not in self._scope.values for name, _attribute in references(written)):
            raise unresolved
        found = self._scope.resolve(written)
        if not isinstance(found, list) or any(isinstance(item, dict | list) for item in found):
            raise unresolved
        return list(dict.fromkeys(text(item) for item in found))

    def _ref(self, argument: Any, bound: Bindings, depth: int) -> Any:
        if isinstance(argument, str):
            return bound.get(argument, {"Ref": argument})
        return {"Ref": self._name(argument, bound, depth)}

    def _sub(self, argument: Any, bound: Bindings, depth: int) -> Any:
        if isinstance(argument, str):
            return _fill(argument, bound, "$")
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str):
            own = argument[1] if isinstance(argument[1], dict) else {}
            outer = {name: item for name, item in bound.items() if name not in own}
            return [_fill(argument[0], outer, "$"), self.write(argument[1], bound, depth)]
        return self.write(argument, bound, depth)

    def _name(self, value: Any, bound: Bindings, depth: int) -> Any:
        """A name that a function gives, where it can be known; the function itself otherwise."""
        written = self.write(value, bound, depth)
        if not isinstance(written, dict):
            return written
        known = self._scope.values
        if any(attribute is not None or name not in known for name, attribute in references(written)):
            raise _failed(f"Unable to resolve {next(iter(written), '')} in Ref or Fn::GetAtt")
        found = self._scope.resolve(written)
        return written if found is NO_VALUE else found


def _fill(template_text: str, bound: Bindings, kinds: str) -> str:
    def replace(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind not in kinds or name not in bound:
            return match[0]
        return re.sub(r"[^A-Za-z0-9]", "", bound[name]) if kind == "&" else bound[name]

    return _PLACEHOLDER.sub(replace, template_text) if bound else template_text


def scope_of(template: Template, values: dict[str, Any], account: str, region: str) -> Scope:
    """What is known of a stack before it is there: its parameters, account and region."""
    early = {
        "AWS::AccountId": account,
        "AWS::NoValue": NO_VALUE,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::URLSuffix": "amazonaws.com",
    }
    assert early.keys() <= PSEUDO
    return Scope(template, values | early)
