"""A plan: a template and its inputs, checked and transformed, ready to become or to change a stack.

A plan is a JSON record: ``text`` (the template as given), ``processed`` (after transforms), ``expands``
(whether it has transforms), ``values`` (parameters as text), ``resolved`` (what Ref gives for them),
``tags``, ``notification_arns``, ``rollback`` (the RollbackConfiguration), ``capabilities`` and
``description``.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from maycloud import globs
from maycloud.edge.bodies import gather
from maycloud.edge.messages import BodyTooLargeError
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.services.base import Cloud, Params
from maycloud.services.cloudformation import graph, parameters, rules
from maycloud.services.cloudformation.includes import has_includes
from maycloud.services.cloudformation.intrinsics import Lookup, Nothing, Scope, pseudo_parameters
from maycloud.services.cloudformation.macros import Macros
from maycloud.services.cloudformation.providers import find
from maycloud.services.cloudformation.store import Record, Stacks
from maycloud.services.cloudformation.template import (
    Template,
    check_form,
    declared_transforms,
    error,
    format_error,
    parse_template,
    written,
)
from maycloud.services.cloudformation.transform import transform

MAX_BODY = 51_200
MAX_OBJECT = 1_000_000

# Types whose creation must be acknowledged, and the property that gives them a name of one's own.
IAM_TYPES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}


@dataclass(slots=True)
class Reader:
    """Reads templates and parameters on behalf of a caller."""

    cloud: Cloud
    principal: Principal
    account: str
    region: str

    async def call(self, service: str, operation: str, params: Params) -> dict[str, Any]:
        return await self.cloud.call(
            service, operation, params, as_=self.principal, region=self.region, account=self.account
        )

    async def fetch(self, service: str, name: str, version: str) -> str:
        """The value of an SSM parameter or a secret; see parameters.Fetch."""
        if service == "secretsmanager":
            # The rest of the reference: kind of value, key of its JSON, stage and version.
            secret, _, rest = name.partition(":SecretString")
            found = await self.call("secretsmanager", "GetSecretValue", {"SecretId": secret})
            key = rest.removeprefix(":").partition(":")[0]
            return str(json.loads(found["SecretString"])[key]) if key else str(found["SecretString"])
        full = f"{name}:{version}" if version else name
        try:
            found = await self.call(
                "ssm", "GetParameter", {"Name": full, "WithDecryption": service == "ssm-secure"}
            )
        except AwsError as failure:
            if "NotFound" not in failure.code:
                raise
            raise error(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from failure
        return str(found["Parameter"]["Value"])

    async def text(self, params: Params, previous: str | None = None) -> str:
        """The template that an operation's members name.

        The words are AWS's, recorded in LocalStack's tests/aws/services/cloudformation/api/test_templates.
        """
        given = [
            name
            for name in ("TemplateBody", "TemplateURL", "UsePreviousTemplate")
            if params.get(name) not in (None, False)
        ]
        if len(given) > 1:
            raise error("Only one of TemplateBody, TemplateUrl or UsePreviousTemplate can be specified")
        if "TemplateBody" in params:
            body = params["TemplateBody"]
            if len(body.encode()) > MAX_BODY:
                raise error(
                    "1 validation error detected: Value at 'templateBody' failed to satisfy constraint:"
                    f" Member must have length less than or equal to {MAX_BODY}"
                )
            return body
        if "TemplateURL" in params:
            address = urlsplit(params["TemplateURL"])
            if address.scheme == "s3":
                raise error(f"S3 error: Domain name specified in {address.netloc} is not a valid S3 domain")
            return await self.read_object(params["TemplateURL"])
        if params.get("UsePreviousTemplate") and previous is not None:
            return previous
        raise error("Either Template URL or Template Body must be specified.")

    async def read_object(self, url: str) -> str:
        """A text in S3, by any of the addresses that an object may have."""
        bucket, key, version = object_of(url)
        wanted = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        try:
            found = await self.call("s3", "GetObject", wanted)
        except AwsError as failure:
            raise error(f"S3 error: {failure.message}") from failure
        try:
            return (await gather(found["Body"], MAX_OBJECT)).decode()
        except BodyTooLargeError as failure:
            raise error(f"Template may not exceed {MAX_OBJECT} bytes in size.") from failure
        except UnicodeDecodeError as failure:
            raise format_error("unsupported encoding.") from failure


def object_of(url: str) -> tuple[str, str, str]:
    """Bucket, key and version that the URL of an object names."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    version = re.search(r"(?:^|&)versionId=([^&]+)", parts.query)
    virtual = re.match(r"(.+)\.s3[.-]", host)
    if parts.scheme == "s3":
        bucket, key = parts.netloc, path
    elif virtual:
        bucket, key = virtual[1], path
    else:
        bucket, _, key = path.partition("/")
    if parts.scheme not in ("http", "https", "s3") or not bucket or not key:
        raise error("TemplateURL must be a supported URL.")
    return bucket, key, unquote(version[1]) if version else ""


async def make_plan(
    reader: Reader,
    text: str,
    params: Params,
    *,
    previous: Record | None = None,
    acknowledge: bool = True,
    direct: bool = True,
) -> Record:
    """A plan of a template and an operation's members, without what only its stack can tell.

    `direct` is CreateStack and UpdateStack, which ask for CAPABILITY_AUTO_EXPAND where a change set
    shows the transformed template first. `acknowledge` False asks for no capability.
    """
    template = parse_template(text)
    check_form(template)
    parameters.check_declarations(template)
    rules.check_shape(template)
    values = parameters.choose(
        template, params.get("Parameters", []), previous["values"] if previous else None
    )
    _check_triggers(params)
    _check_tags(params)
    acknowledged = set(params.get("Capabilities", []))
    expands = bool(declared_transforms(template)) or has_includes(template)
    if direct and expands and "CAPABILITY_AUTO_EXPAND" not in acknowledged:
        raise _insufficient("CAPABILITY_AUTO_EXPAND")
    resolved = await parameters.look_up(template, values, reader.fetch)
    rules.check(template, resolved)
    macros = Macros(reader.cloud, reader.account, reader.region, reader.call)
    processed = await transform(
        template, values, resolved, reader.account, reader.region, reader.read_object, macros
    )
    check_form(processed)
    graph.check_references(processed)
    _check_allowed_types(params.get("ResourceTypes"), processed)
    needed, _types = capabilities_of(processed)
    if acknowledge and needed and not _acknowledges(acknowledged, needed):
        raise _insufficient(needed)
    carried = previous or {}
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if "Tags" in params else None
    return {
        "text": text,
        "processed": processed,
        "expands": expands,
        "values": values,
        "resolved": resolved,
        "tags": tags if tags is not None else carried.get("tags", {}),
        "notification_arns": params.get("NotificationARNs", carried.get("notification_arns", [])),
        "rollback": params.get("RollbackConfiguration", carried.get("rollback", {})),
        "capabilities": sorted(acknowledged),
        "description": template.get("Description", ""),
    }


def _check_triggers(params: Params) -> None:
    """Words that LocalStack recorded of AWS in tests/aws/services/cloudformation/api/test_update_stack."""
    for trigger in params.get("RollbackConfiguration", {}).get("RollbackTriggers", []):
        if trigger["Type"] not in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            raise error("Rollback Trigger Type not supported")
        if not trigger["Arn"].startswith("arn:") or ":alarm:" not in trigger["Arn"]:
            raise error("RelativeId of a Rollback Trigger's ARN is incorrect")


def _check_tags(params: Params) -> None:
    if any(tag["Key"].lower().startswith("aws:") for tag in params.get("Tags", [])):
        raise error('Invalid tag key.  "aws:" is a reserved prefix.')


def _check_allowed_types(allowed: list[str] | None, template: Template) -> None:
    """Raise for a type that the caller's own list, such as ``AWS::EC2::*``, does not have."""
    for resource in template["Resources"].values() if allowed else ():
        if not any(globs.compile_glob(pattern).fullmatch(resource["Type"]) for pattern in allowed or ()):
            raise error(
                f"Resource type {resource['Type']} is not allowed by parameter ResourceTypes"
                f" [{', '.join(allowed or ())}]"
            )


def _insufficient(capability: str) -> AwsError:
    return AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{capability}]")


def _acknowledges(given: set[str], needed: str) -> bool:
    return "CAPABILITY_NAMED_IAM" in given or needed in given


def capabilities_of(template: Template) -> tuple[str, list[str]]:
    """The capability that a template's resources ask for, if any, and the types that do."""
    resources = written(template, "Resources").values()
    found = sorted({resource["Type"] for resource in resources if resource["Type"] in IAM_TYPES})
    named = any(
        IAM_TYPES.get(resource["Type"]) and IAM_TYPES[resource["Type"]] in (resource.get("Properties") or {})
        for resource in resources
    )
    if not found:
        return "", []
    return ("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"), found


def check_types(resources: dict[str, dict[str, Any]]) -> None:
    """Raise for types that are not known, and for policies that a type does not have."""
    unknown = sorted({item["Type"] for item in resources.values() if find(item["Type"]) is None})
    if unknown:
        raise format_error(f"Unrecognized resource types: [{', '.join(unknown)}]")
    for item in resources.values():
        if "Snapshot" in (item.get("DeletionPolicy"), item.get("UpdateReplacePolicy")):
            # The types that have snapshots are those of services that are not here.
            raise error(
                f"Template error: resource type {item['Type']} does not support deletion policy Snapshot"
            )


def localizer(cloud: Cloud) -> Callable[[str], str]:
    """Rewrites AWS's data-plane addresses into this cloud's."""
    return cast("Any", cloud).addresses.localize


def scope_of(cloud: Cloud, stacks: Stacks, stack: Record, plan: Record, resources: Lookup | None) -> Scope:
    """The scope of a stack's functions under a plan. Imports are looked up, not noted."""

    def imported(name: str) -> str:
        found = stacks.export((stack["account"], stack["region"]), name)
        if found is None:
            raise error(f"No export named {name} found.")
        return found[1]

    values = plan["resolved"] | pseudo_parameters(
        stack["account"], stack["region"], stack["name"], stack["id"], plan["notification_arns"]
    )
    return Scope(plan["processed"], values, resources or Nothing(), imported, localizer(cloud))


def mask(scope: Scope, plan: Record) -> Scope:
    """The scope with what must not be shown hidden in it."""
    for name in plan["values"]:
        if parameters.is_secret(plan["processed"], name):
            scope.values[name] = "****"
    return scope


def check_plan(cloud: Cloud, stacks: Stacks, stack: Record, plan: Record) -> None:
    """Raise for what shows once conditions are decided: unknown types, missing references, circles, keys
    that a mapping does not have. A type behind a condition that does not hold is not looked at."""
    scope = scope_of(cloud, stacks, stack, plan, None)
    conditions = scope.evaluate_conditions()
    resources = graph.active(plan["processed"], "Resources", conditions)
    outputs = graph.active(plan["processed"], "Outputs", conditions)
    graph.dependencies(resources)
    check_types(resources)
    _check_secure(resources)
    _check_maps(scope, [resources, outputs])


# Where ssm-secure references are taken, of the types that are here.
_SECURE = frozenset({"AWS::IAM::User/Properties/LoginProfile/Password"})


def _check_secure(resources: dict[str, dict[str, Any]]) -> None:
    """Raise for secure strings where AWS does not read them, in its words.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm-secure-strings.html
    """
    found = [
        path
        for resource in resources.values()
        for path in _secure(resource.get("Properties"), f"{resource['Type']}/Properties")
        if path not in _SECURE
    ]
    if found:
        raise error(f"SSM Secure reference is not supported in: [{','.join(found)}]")


def _secure(value: Any, path: str) -> Iterator[str]:
    """Where secure references are; a list is named as a whole, as is what a function makes."""
    if isinstance(value, str):
        if "{{resolve:ssm-secure:" in value:
            yield path
    elif isinstance(value, list):
        for item in value:
            yield from (path for _ in _secure(item, path))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _secure(item, path if name.startswith("Fn::") else f"{path}/{name}")


def _check_maps(scope: Scope, value: Any) -> None:
    """Raise for a Fn::FindInMap that finds nothing, where its keys are known already."""
    if isinstance(value, list):
        for item in value:
            _check_maps(scope, item)
    elif isinstance(value, dict):
        if "Fn::FindInMap" in value and all(
            attribute is None and name in scope.values for name, attribute in graph.references(value)
        ):
            scope.resolve(value)
        for item in value.values():
            _check_maps(scope, item)


def same(old: Record, new: Record) -> bool:
    """Whether the new plan asks for nothing that the old did not.

    A stack with nested ones may always have something to do: their templates are looked at when it is done.
    """
    if any(item["Type"] == "AWS::CloudFormation::Stack" for item in new["processed"]["Resources"].values()):
        return False
    sections = ("Resources", "Outputs", "Mappings", "Conditions")
    return all(old["processed"].get(name) == new["processed"].get(name) for name in sections) and all(
        old[name] == new[name] for name in ("values", "resolved", "tags", "notification_arns")
    )
