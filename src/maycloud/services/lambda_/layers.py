"""Layers: packages that functions share, in immutable versions."""

from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.lambda_.code import fetch, invalid
from maycloud.services.lambda_.paging import page
from maycloud.services.tokens import is_number
from maycloud.store import Document

MAX_LAYERS = 5


def _documents(call: Call) -> Any:
    return call.state.layers


def _id(name: str, version: int) -> str:
    return f"{name}/{version:010d}"


def layer_name(text: str) -> str:
    return text.split(":")[6] if text.startswith("arn:") and text.count(":") >= 6 else text


def layer_arn(call: Call, params: Params) -> str:
    arn = f"arn:aws:lambda:{call.region}:{call.account}:layer:{layer_name(params['LayerName'])}"
    return f"{arn}:{params['VersionNumber']}" if "VersionNumber" in params else arn


async def publish_layer_version(call: Call, params: Params) -> Result:
    name = layer_name(params["LayerName"])
    content = params["Content"]
    package = await call.state.packages.add(await fetch(call, content))
    documents = _documents(call)
    with call.store.db.atomic():
        existing = documents.items(call.scope, prefix=f"{name}/")
        version = int(existing[-1][0].rpartition("/")[2]) + 1 if existing else 1
        arn = f"arn:aws:lambda:{call.region}:{call.account}:layer:{name}"
        body: Document = {
            "LayerArn": arn,
            "LayerVersionArn": f"{arn}:{version}",
            "Version": version,
            "Description": params.get("Description", ""),
            "CreatedDate": (
                datetime.fromtimestamp(call.now(), UTC)
                .isoformat(timespec="milliseconds")
                .replace("+00:00", "+0000")
            ),
            "CompatibleRuntimes": params.get("CompatibleRuntimes", []),
            "CompatibleArchitectures": params.get("CompatibleArchitectures", []),
            "LicenseInfo": params.get("LicenseInfo"),
            "Digest": package.digest,
            "Unpacked": package.unpacked,
            "CodeSize": package.size,
            "CodeSha256": package.sha256,
        }
        documents.put(call.scope, _id(name, version), body)
    return _describe(call, body)


def _describe(call: Call, body: Document, *, content: bool = True) -> dict[str, Any]:
    own = {"Digest", "Unpacked", "CodeSize", "CodeSha256", "Policy"}
    described = {key: value for key, value in body.items() if key not in own and value not in (None, [])}
    if content:
        described["Content"] = {
            "CodeSha256": body["CodeSha256"],
            "CodeSize": body["CodeSize"],
            "Location": call.state.code_link(body["Digest"], int(call.store.clock.wall()) + 600),
        }
    return described


def version_of(call: Call, name: str, version: int) -> Document | None:
    """A layer version by the layer's name or ARN."""
    return _documents(call).get(call.scope, _id(layer_name(name), version))


def save(call: Call, body: Document) -> None:
    name = layer_name(body["LayerArn"])
    _documents(call).put(call.scope, _id(name, body["Version"]), body)


def _check_number(version: int) -> None:
    if version < 1:
        raise invalid("Layer Version Cannot be less than 1")


def _find(call: Call, name: str, version: int) -> Document:
    _check_number(version)
    found = version_of(call, name, version)
    if found is None:
        raise AwsError(
            "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
        )
    return found


def get_layer_version(call: Call, params: Params) -> Result:
    return _describe(call, _find(call, params["LayerName"], params["VersionNumber"]))


def get_layer_version_by_arn(call: Call, params: Params) -> Result:
    name, version = _split(params["Arn"])
    return _describe(call, _find(call, name, version))


def _split(arn: str) -> tuple[str, int]:
    parts = arn.split(":")
    if len(parts) != 8 or not is_number(parts[7]):
        raise invalid(f"Invalid Layer name: {arn}")
    return parts[6], int(parts[7])


def list_layer_versions(call: Call, params: Params) -> Result:
    found = _documents(call).items(call.scope, prefix=f"{layer_name(params['LayerName'])}/")
    versions = [_describe(call, body, content=False) for _, body in reversed(found) if _fits(body, params)]
    return page("LayerVersions", versions, params)


def _fits(body: Document, params: Params) -> bool:
    """Whether a version is among those asked for."""
    pairs = (
        ("CompatibleRuntime", "CompatibleRuntimes"),
        ("CompatibleArchitecture", "CompatibleArchitectures"),
    )
    return all(params.get(one) in (None, *body.get(many, [])) for one, many in pairs)


def list_layers(call: Call, params: Params) -> Result:
    newest: dict[str, Document] = {}
    for id_, body in _documents(call).items(call.scope):
        if _fits(body, params):
            newest[id_.rpartition("/")[0]] = body
    found = [
        {
            "LayerName": name,
            "LayerArn": body["LayerArn"],
            "LatestMatchingVersion": _describe(call, body, content=False),
        }
        for name, body in newest.items()
    ]
    return page("Layers", found, params)


def delete_layer_version(call: Call, params: Params) -> Result:
    """Functions that use it keep it: their code is their own."""
    _check_number(params["VersionNumber"])
    _documents(call).delete(call.scope, _id(layer_name(params["LayerName"]), params["VersionNumber"]))
    return None


def _shared(body: Document, account: str) -> bool:
    """Whether the version's policy lets another account use it; conditions on organizations never hold."""
    allowed = ("*", {"AWS": f"arn:aws:iam::{account}:root"})
    statements = body.get("Policy", {}).get("Statement", [])
    return any(each["Principal"] in allowed and "Condition" not in each for each in statements)


def resolve(call: Call, arns: list[str]) -> list[dict[str, Any]]:
    """The layers of a function, in the order of their unpacking."""
    if len(arns) > MAX_LAYERS:
        raise invalid(f"Cannot reference more than {MAX_LAYERS} layers.")
    found: list[dict[str, Any]] = []
    versions: dict[str, str] = {}
    for arn in arns:
        name, version = _split(arn)
        body = _usable(call, arn, name, version)
        before = versions.get(arn.rpartition(":")[0])
        versions[arn.rpartition(":")[0]] = arn
        if before is not None:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same"
                f" function. {before} and {arn} are versions of the same layer."
            )
        found.append({"Arn": arn, **{k: body[k] for k in ("CodeSize", "Digest", "Unpacked")}})
    return found


def _usable(call: Call, arn: str, name: str, version: int) -> Document:
    """A layer version for a function of the caller's. LocalStack's test_function_exceptions of layers."""
    region, account = arn.split(":")[3:5]
    if account == call.account and region != call.region:
        raise invalid(
            "Layers are not in the same region as the function. Layers are expected to be in region"
            f" {call.region}."
        )
    body: Document | None = _documents(call).get((account, region), _id(name, version))
    if account == call.account:
        if body is None:
            raise invalid(f"Layer version {arn} does not exist.")
        return body
    if body is None or region != call.region or not _shared(body, call.account):
        raise AwsError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to perform: lambda:GetLayerVersion on resource:"
            f" {arn} because no resource-based policy allows the lambda:GetLayerVersion action",
            403,
        )
    return body
