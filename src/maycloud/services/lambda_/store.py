"""Functions, their versions and aliases, as documents; found by name, ARN or qualified name."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call
from maycloud.store import Document, Scope, Store

LATEST = "$LATEST"

_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-z-]*):lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9_-]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]+))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a FunctionName and Qualifier mean."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def scope(self) -> Scope:
        return self.account, self.region

    @property
    def arn(self) -> str:
        """Of the function, without a qualifier."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        return f"{self.arn}:{self.qualifier}" if self.qualifier else self.arn


def read_name(call: Call, text: str, qualifier: str | None = None) -> Reference:
    """A name, partial ARN or ARN of this region. Raises ValidationException for what is none."""
    match = _NAME.fullmatch(text)
    if match is None or len(text) > 170 or len(match["name"]) > 140:
        raise bad_name(text)
    region = match["region"]
    if region and region != call.region:
        raise AwsError(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{call.region}')",
            404,
            Type="User",
        )
    inner = match["qualifier"]
    if inner and qualifier and inner != qualifier:
        raise AwsError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return Reference(match["account"] or call.account, call.region, match["name"], qualifier or inner)


def new_revision() -> str:
    return str(uuid.uuid4())


def bad_name(text: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{text[:200]}' at 'functionName' failed to satisfy constraint:"
        " Member must satisfy regular expression pattern:"
        " (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?"
        "(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
    )


def not_found(arn: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")


class Functions:
    """Documents: functions by name (with the settings that versions share), versions and aliases below it."""

    def __init__(self, store: Store) -> None:
        self.functions = store.documents("lambda.functions")
        self.versions = store.documents("lambda.versions")
        self.aliases = store.documents("lambda.aliases")
        self.provisioned = store.documents("lambda.provisioned")
        self.signing = store.documents("lambda.signing")
        self._cache: dict[Any, Any] = store.db.cache()

    def function(self, reference: Reference) -> Document:
        """The function's own document: policy, tags, concurrency, next version."""
        key = ("f", reference.scope, reference.name)
        found = self._cache.get(key)
        if found is None:
            found = self.functions.get(reference.scope, reference.name)
            if found is None:
                raise not_found(reference.qualified_arn)
            self._cache[key] = found
        return found

    def save(self, reference: Reference, body: Document) -> None:
        self.functions.put(reference.scope, reference.name, body)
        self.forget()

    def version(self, reference: Reference, version: str) -> Document | None:
        """A version's configuration, ``$LATEST`` included."""
        key = ("v", reference.scope, reference.name, version)
        found = self._cache.get(key)
        if found is None:
            found = self.versions.get(reference.scope, f"{reference.name}/{version}")
            if found is not None:
                self._cache[key] = found
        return found

    def save_version(self, reference: Reference, version: str, body: Document) -> None:
        self.versions.put(reference.scope, f"{reference.name}/{version}", body)
        self.forget()

    def revise(self, reference: Reference, version: str) -> str:
        """Give a version a new revision, where something beside its configuration changed."""
        revision = new_revision()
        configuration = self.version(reference, version)
        if configuration is not None:
            self.save_version(reference, version, configuration | {"RevisionId": revision})
        return revision

    def provisions(self, reference: Reference) -> dict[str, Document]:
        """Configurations of provisioned concurrency, by version or alias."""
        found = self.provisioned.items(reference.scope, prefix=f"{reference.name}/")
        return {id_.rpartition("/")[2]: body for id_, body in found}

    def alias(self, reference: Reference, name: str) -> Document | None:
        key = ("a", reference.scope, reference.name, name)
        found = self._cache.get(key)
        if found is None:
            found = self.aliases.get(reference.scope, f"{reference.name}/{name}")
            if found is not None:
                self._cache[key] = found
        return found

    def forget(self) -> None:
        """Drop what is cached: any change of a function may change what a name means."""
        self._cache.clear()

    def resolve(self, reference: Reference) -> tuple[str, Document]:
        """Version and configuration that a qualifier means; an alias's weights are not applied."""
        self.function(reference)
        qualifier = reference.qualifier or LATEST
        if qualifier == LATEST or qualifier.isdecimal():
            found = self.version(reference, qualifier)
        else:
            alias = self.alias(reference, qualifier)
            if alias is None:
                raise not_found(reference.qualified_arn)
            qualifier = alias["FunctionVersion"]
            found = self.version(reference, qualifier)
        if found is None:
            raise not_found(reference.qualified_arn)
        return qualifier, found
