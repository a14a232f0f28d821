"""What a resource type is made of, and where the engine finds it.

A module of this package declares its types at import:

    register(Provider(
        "AWS::SSM::Parameter",
        create=create, update=update, delete=delete,
        properties=frozenset({"Name", "Type", "Value"}),
        required=frozenset({"Type", "Value"}),
        replace_on=frozenset({"Name"}),
        name_property="Name",
        attributes=frozenset({"Type", "Value"}),
    ))

A provider's functions:

    async def create(ctx: Context, props: Props) -> Resource
    async def update(
        ctx: Context, physical_id: str, old: Props, new: Props, attributes: Attributes
    ) -> Resource
    async def delete(ctx: Context, physical_id: str, props: Props, attributes: Attributes) -> None

Properties arrive resolved. Scalars are as the template wrote them ("256" for 256, "true" for true):
`Context.call` turns them into what the operation's model wants. Errors are AwsError; the engine words
them. `delete` may raise the service's "not found": that counts as deleted. `update` is never called for
a change in `replace_on`, and may be called again after a crash with the same arguments.
"""

import importlib.util
import os
import re
import string
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Cloud
from maycloud.services.cloudformation.coercion import coerce, text
from maycloud.services.cloudformation.given import Props, invalid

Attributes = dict[str, Any]

MODULES = (
    "apigateway",
    "apigateway_access",
    "apigateway_stages",
    "cdk",
    "cloudfront",
    "cloudwatch",
    "custom",
    "cognito_identity",
    "cognito_idp",
    "dax",
    "dynamodb",
    "iam",
    "iam_entities",
    "lambda_",
    "logs",
    "macros",
    "s3",
    "ssm",
    "stacks",
)

_SUFFIX = string.ascii_uppercase + string.digits


@dataclass(slots=True)
class Resource:
    """What exists after a create or update.

    `attributes` are the values of Fn::GetAtt by name (``"Arn"``, ``"Outputs.Url"``); Ref gives `ref`,
    or `physical_id` where it is None.
    """

    physical_id: str
    attributes: Attributes = field(default_factory=dict[str, Any])
    ref: str | None = None


class Context:
    """One resource of one stack, as its provider sees it."""

    def __init__(
        self,
        cloud: Cloud,
        principal: Principal,
        stack: dict[str, Any],
        logical_id: str,
        type_: str,
        token: str,
        created: Callable[[str, Attributes], None],
        former_tags: dict[str, str],
    ) -> None:
        """`stack` is the stack's record, `type_` the resource's type.

        `token` is the random part of names, the same over restarts; `former_tags` those that the stack gave
        the resource when it last touched it.
        """
        self.cloud = cloud
        self.principal = principal
        self.account: str = stack["account"]
        self.region: str = stack["region"]
        self.stack_name: str = stack["name"]
        self.stack_id: str = stack["id"]
        self.tags: dict[str, str] = dict(stack.get("tags", {}))  # the stack's own, for taggable resources
        self._former_tags = former_tags
        self.logical_id = logical_id
        self.type = type_
        self.failed_service = ""  # whose error ended the last call
        self._token = token
        self._created = created

    async def call(self, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """Run an operation as the stack's principal; params are coerced to the operation's own types."""
        try:
            coerced = coerce(service, operation, params)
        except AwsError as failure:
            raise AwsError(
                "ValidationError",
                f"Properties validation failed for resource {self.logical_id} with message:"
                f" [{failure.message}]",
            ) from failure
        try:
            return await self.cloud.call(
                service,
                operation,
                coerced,
                as_=self.principal,
                region=self.region,
                account=self.account,
                context={"aws:CalledVia": ["cloudformation.amazonaws.com"]},
            )
        except AwsError:
            self.failed_service = service
            raise

    def created(self, physical_id: str, attributes: Attributes | None = None) -> None:
        """Say that the resource exists from here on, although `create` still has things to do.

        Call it right after the operation that made it, without an await between: should `create`
        fail or the process die after that, the resource is deleted again.
        """
        self._created(physical_id, attributes or {})

    def tags_of(self, props: Props, member: str = "Tags") -> dict[str, str]:
        """The resource's tags: those of its properties, a list or a map, over those of the stack."""
        return self.tags | own_tags(props, member)

    def retags(self, old: Props, new: Props, member: str = "Tags") -> tuple[list[str], dict[str, str]]:
        """Keys to take away, and all tags that there should be, nothing where they are there already."""
        before, now = self._former_tags | own_tags(old, member), self.tags_of(new, member)
        return sorted(before.keys() - now.keys()), {} if now == before else now

    @property
    def now(self) -> float:
        return self.cloud.store.clock.time()

    def unique_name(self, max_length: int = 255, separator: str = "-", lower: bool = False) -> str:
        """``stack-LogicalId-1A2B3C4D5E6F7``, its parts shortened to fit; the same for the same resource."""
        suffix = self._token
        room = max(2, max_length - len(suffix) - 2 * len(separator))
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            # Either part keeps its half, or more if the other needs less.
            keep = max(room - len(logical), room // 2)
            stack = stack[:keep]
            logical = logical[: room - len(stack)]
        name = f"{stack}{separator}{logical}{separator}{suffix}"
        return name.lower() if lower else name


def new_token() -> str:
    """The random part of generated names."""
    return "".join(_SUFFIX[byte % len(_SUFFIX)] for byte in os.urandom(12))


Create = Callable[[Context, Props], Awaitable[Resource]]
Update = Callable[[Context, str, Props, Props, Attributes], Awaitable[Resource]]
Delete = Callable[[Context, str, Props, Attributes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Provider:
    """One resource type."""

    type: str
    create: Create
    delete: Delete
    update: Update | None = None  # None: every change replaces
    properties: frozenset[str] = frozenset()  # names allowed at the top
    open: bool = False  # takes any property
    required: frozenset[str] = frozenset()
    replace_on: frozenset[str] = frozenset()  # properties whose change needs a new resource
    name_property: str = ""  # names the resource; it cannot be replaced under the same name
    attributes: frozenset[str] | None = None  # names Fn::GetAtt knows; None: not known beforehand
    always: bool = False  # what it is made of may have changed although its properties have not
    nested: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    # ^ keys allowed in the object, or in each object of the list, that is a property's value

    @property
    def taggable(self) -> bool:
        """Whether the stack's own tags are its resources' too."""
        return not self.properties.isdisjoint(("Tags", "UserPoolTags", "IdentityPoolTags"))

    def check(self, logical_id: str, props: Props) -> None:
        """Raise for properties that the type does not have, or that are missing."""
        for name in sorted(props.keys() - self.properties) if not self.open else ():
            raise invalid(logical_id, "#", f"extraneous key [{name}] is not permitted")
        for name in sorted(self.required):
            if name not in props:
                raise invalid(logical_id, "#", f"required key [{name}] not found")
        for name, allowed in self.nested.items():
            value = props.get(name)
            members = value if isinstance(value, list) else [value]
            for index, member in enumerate(members):
                if not isinstance(member, dict):
                    continue
                path = f"#/{name}/{index}" if isinstance(value, list) else f"#/{name}"
                for key in sorted(member.keys() - allowed):
                    raise invalid(logical_id, path, f"extraneous key [{key}] is not permitted")


def own_tags(props: Props, member: str = "Tags") -> dict[str, str]:
    """Tags of the properties, which some types write as a list and some as a map."""
    given = props.get(member) or {}
    if isinstance(given, dict):
        return {key: text(value) for key, value in given.items()}
    return {text(tag["Key"]): text(tag["Value"]) for tag in given}


CUSTOM = "AWS::CloudFormation::CustomResource"
_CUSTOM = re.compile(r"Custom::[A-Za-z0-9_@-]{1,60}")
_providers: dict[str, Provider] = {}  # filled by imports only


def register(provider: Provider) -> None:
    _providers[provider.type] = provider


@cache
def _load() -> None:
    for name in MODULES:
        if importlib.util.find_spec(f"{__name__}.{name}") is not None:
            importlib.import_module(f"{__name__}.{name}")


def is_custom(type_: str) -> bool:
    """Whether a type is one that its template's author answers for."""
    return type_ == CUSTOM or bool(_CUSTOM.fullmatch(type_))


def find(type_: str) -> Provider | None:
    """The provider of a resource type, None for a type that is not known."""
    _load()
    return _providers.get(CUSTOM if is_custom(type_) else type_)


def types() -> list[str]:
    """All resource types that templates may use."""
    _load()
    return sorted(_providers)
