"""From OpenAPI definitions, Swagger 2.0 and OpenAPI 3.0, to an API.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import yaml

from maycloud import yamls
from maycloud.errors import AwsError
from maycloud.services.apigateway.authorizers import make_authorizer
from maycloud.services.apigateway.components import (
    MODEL_REFERENCE,
    default_models,
    make_gateway_response,
    make_model,
    make_validator,
)
from maycloud.services.apigateway.definitions import add_resource
from maycloud.services.apigateway.openapi_methods import (
    ANY_METHOD,
    VERBS,
    as_list,
    as_object,
    read_method,
    whole,
)
from maycloud.services.apigateway.service import bad_request
from maycloud.store import Document

EXTENSION = "x-amazon-apigateway-"
_LONG = 64 << 10  # bytes of a definition that takes a moment to be read
_ANY_KEYS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
_SECTIONS = ("#/definitions/", "#/components/schemas/")


class Import:
    """One reading of a definition into an API's document; collects warnings and errors as it goes."""

    def __init__(self, api: Document, definition: dict[str, Any]) -> None:
        self.api = api
        self.definition = definition
        self.is_v2 = str(definition.get("swagger", "")).startswith("2")
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self.schemes: dict[str, dict[str, Any]] = {}  # security schemes by name
        self.authorizers: dict[str, str] = {}  # ids by scheme
        self.validators: dict[str, str] = {}  # ids by name

    def attempt(self, what: str, action: Callable[[], Any]) -> Any:
        """The result of `action`; None if AWS would refuse it, which is then among the errors."""
        try:
            return action()
        except AwsError as error:
            self.errors.append(f"{what}: {error.message}")
            return None

    def resolve(self, value: Any) -> Any:
        """What a local reference (``{"$ref": "#/parameters/x"}``) refers to, or the value itself."""
        for _ in range(32):
            if not isinstance(value, dict) or not str(value.get("$ref", "")).startswith("#/"):
                return value
            value = self._at(value["$ref"])
        raise bad_request("Invalid OpenAPI input: references refer to each other")

    def _at(self, reference: str) -> Any:
        found: Any = self.definition
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise bad_request(f"Invalid OpenAPI input: {reference} refers to nothing")
            found = found[key]
        return found

    def schema_text(self, schema: Any) -> str:
        """A schema as a model keeps it: references to other schemas become references to models."""
        return orjson.dumps(self._rewritten(schema)).decode()

    def _rewritten(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._rewritten(each) for each in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_SECTIONS):
            name = reference.rpartition("/")[2]
            return {"$ref": MODEL_REFERENCE.format(api=self.api["id"], name=name)}
        return {str(key): self._rewritten(each) for key, each in value.items()}


def parse(body: bytes) -> dict[str, Any]:
    """The definition in a body, JSON or YAML. Raises BadRequestException."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            # By way of JSON, which has neither numbers without end nor halves of characters.
            parsed = orjson.loads(orjson.dumps(yamls.load(body.decode(), _Loader), option=_ANY_KEYS))
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            raise bad_request("Invalid OpenAPI input.") from None
    if not isinstance(parsed, dict):
        raise bad_request("Invalid OpenAPI input.")
    if not str(parsed.get("swagger", "")).startswith("2") and not str(parsed.get("openapi", "")).startswith(
        "3.0"
    ):
        raise bad_request("Invalid OpenAPI input. Only Swagger 2.0 and OpenAPI 3.0 are supported.")
    as_object(parsed.get("info"))
    return parsed


async def parse_off_loop(body: bytes) -> dict[str, Any]:
    """`parse`; a long definition does not hold up others meanwhile."""
    return parse(body) if len(body) <= _LONG else await asyncio.to_thread(parse, body)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without dates: a version such as 2024-01-01 stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def import_definition(
    api: Document, definition: dict[str, Any], mode: str, parameters: dict[str, str]
) -> list[str]:
    """Change `api` to what the definition says, and give the warnings.

    `mode` is ``overwrite``, where nothing stays but the root's id, or ``merge``, where the definition's
    methods, models, … take the place of those of the same name. `parameters` may hold ``basepath``
    (``ignore``, ``prepend``, ``split``) and ``endpointConfigurationTypes``. Raises BadRequestException
    with all errors.
    """
    if mode == "overwrite":
        _clear(api)
    reading = Import(api, definition)
    _read_info(reading, parameters)
    _read_models(reading)
    _read_validators(reading)
    _read_security(reading)
    _read_gateway_responses(reading)
    prefix = _base_path(reading, parameters.get("basepath", "ignore"))
    for path, item in as_object(definition.get("paths")).items():
        if not str(path).startswith("x-"):
            _read_path(reading, f"{prefix}{path}", item)
    if reading.errors:
        raise bad_request("Errors found during import:\n\t" + "\n\t".join(reading.errors))
    return reading.warnings


def _clear(api: Document) -> None:
    root = api["resources"][api["rootResourceId"]]
    root["resourceMethods"] = {}
    api["resources"] = {root["id"]: root}
    api["models"] = default_models()
    for member in ("requestValidators", "authorizers", "gatewayResponses"):
        api[member] = {}
    for member in ("description", "version", "binaryMediaTypes", "minimumCompressionSize", "policy"):
        api.pop(member, None)


def _read_info(reading: Import, parameters: dict[str, str]) -> None:
    """What the definition says of the API as a whole."""
    api, definition = reading.api, reading.definition
    info = definition.get("info") or {}
    for member, name in (("name", "title"), ("description", "description"), ("version", "version")):
        if info.get(name) not in (None, ""):
            api[member] = str(info[name])
    if f"{EXTENSION}binary-media-types" in definition:
        api["binaryMediaTypes"] = [
            str(each) for each in as_list(definition[f"{EXTENSION}binary-media-types"])
        ]
    size = definition.get(f"{EXTENSION}minimum-compression-size")
    if size is not None:
        api["minimumCompressionSize"] = whole(size)
    if definition.get(f"{EXTENSION}api-key-source"):
        api["apiKeySource"] = str(definition[f"{EXTENSION}api-key-source"]).upper()
    policy = definition.get(f"{EXTENSION}policy")
    if policy:
        api["policy"] = policy if isinstance(policy, str) else orjson.dumps(policy).decode()
    endpoint = dict(as_object(definition.get(f"{EXTENSION}endpoint-configuration")))
    for server in as_list(definition.get("servers")):
        endpoint |= as_object(as_object(server).get(f"{EXTENSION}endpoint-configuration"))
    if "disableExecuteApiEndpoint" in endpoint:
        api["disableExecuteApiEndpoint"] = bool(endpoint["disableExecuteApiEndpoint"])
    types = parameters.get("endpointConfigurationTypes")
    wanted = types.split(",") if types else as_list(endpoint.get("types"))
    if wanted:
        api["endpointConfiguration"] = api["endpointConfiguration"] | {
            "types": [each.strip() for each in wanted]
        }


def _base_path(reading: Import, treatment: str) -> str:
    """What goes before each path: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api-basePath.html"""
    if treatment not in ("ignore", "prepend", "split"):
        raise bad_request("Invalid basepath parameter. Must be one of: [ignore, prepend, split]")
    if treatment == "ignore":
        return ""
    if reading.is_v2:
        base = str(reading.definition.get("basePath") or "")
    else:
        servers = as_list(reading.definition.get("servers")) or [{}]
        variables = as_object(as_object(servers[0]).get("variables"))
        base = str(as_object(variables.get("basePath")).get("default") or "")
    parts = [part for part in base.split("/") if part]
    if treatment == "split":
        parts = parts[1:]
    return "".join(f"/{part}" for part in parts)


def _read_models(reading: Import) -> None:
    definition, api = reading.definition, reading.api
    components = as_object(definition.get("components"))
    schemas = definition.get("definitions") if reading.is_v2 else components.get("schemas")
    for name, schema in as_object(schemas).items():
        model = reading.attempt(
            f"Unable to create model '{name}'",
            lambda name=name, schema=schema: make_model(
                str(name), reading.schema_text(schema), "application/json", _description(schema)
            ),
        )
        if model is not None:
            known = api["models"].get(model["name"])
            api["models"][model["name"]] = model | ({"id": known["id"]} if known else {})


def _description(schema: Any) -> str | None:
    found = schema.get("description") if isinstance(schema, dict) else None
    return found if isinstance(found, str) else None


def _read_validators(reading: Import) -> None:
    for name, settings in as_object(reading.definition.get(f"{EXTENSION}request-validators")).items():
        known = next(
            (each for each in reading.api["requestValidators"].values() if each.get("name") == name), None
        )
        validator = make_validator(
            str(name),
            bool(as_object(settings).get("validateRequestBody")),
            bool(as_object(settings).get("validateRequestParameters")),
        )
        if known is not None:
            validator["id"] = known["id"]
        reading.api["requestValidators"][validator["id"]] = validator
    # A method may also name one that the API has already, where definitions are merged.
    reading.validators = {
        each["name"]: identifier
        for identifier, each in reading.api["requestValidators"].items()
        if each.get("name")
    }


def _read_security(reading: Import) -> None:
    """Security schemes; those with an authorizer make one."""
    definition = reading.definition
    components = as_object(definition.get("components"))
    schemes = definition.get("securityDefinitions") if reading.is_v2 else components.get("securitySchemes")
    for name, given in as_object(schemes).items():
        scheme = reading.schemes[name] = as_object(reading.resolve(given))
        if f"{EXTENSION}authorizer" in scheme:
            _read_authorizer(reading, str(name), scheme)
        elif scheme.get("type") != "apiKey":
            reading.warnings.append(
                f"Unsupported security definition type '{scheme.get('type')}' for '{name}'. Ignoring."
            )


def _read_authorizer(reading: Import, name: str, scheme: dict[str, Any]) -> None:
    members = dict(as_object(reading.resolve(scheme[f"{EXTENSION}authorizer"])))
    members |= {"name": name, "type": str(members.get("type", "")).upper()}
    members["authType"] = scheme.get(f"{EXTENSION}authtype")
    if members["type"] == "JWT":
        reading.warnings.append(f"Unsupported authorizer type 'jwt' for '{name}'. Ignoring.")
        return
    if members["type"] != "REQUEST" and scheme.get("in") == "header":
        members.setdefault("identitySource", f"method.request.header.{scheme.get('name')}")
    if members.get("authorizerResultTtlInSeconds") is not None:
        members["authorizerResultTtlInSeconds"] = whole(members["authorizerResultTtlInSeconds"])
    authorizer = reading.attempt(f"Unable to create authorizer '{name}'", lambda: make_authorizer(members))
    if authorizer is not None:
        _keep_authorizer(reading, authorizer)


def _keep_authorizer(reading: Import, authorizer: Document) -> None:
    kept = reading.api["authorizers"]
    for known in kept.values():
        if known["name"] == authorizer["name"]:
            authorizer["id"] = known["id"]
    kept[authorizer["id"]] = authorizer
    reading.authorizers[authorizer["name"]] = authorizer["id"]


def _read_gateway_responses(reading: Import) -> None:
    for kind, settings in as_object(reading.definition.get(f"{EXTENSION}gateway-responses")).items():
        members = dict(as_object(settings))
        status = members.get("statusCode")
        # DEFAULT in a definition means the type's own status.
        members["statusCode"] = None if status in (None, "DEFAULT") else str(status)
        response = reading.attempt(
            f"Unable to create gateway response '{kind}'",
            lambda kind=kind, members=members: make_gateway_response(str(kind), members),
        )
        if response is not None:
            reading.api["gatewayResponses"][kind] = response


def _read_path(reading: Import, path: str, item: Any) -> None:
    item = as_object(reading.resolve(item))
    resource = reading.attempt(
        f"Unable to create resource at path '{path}'", lambda: resource_at(reading.api, path)
    )
    if resource is None:
        return
    shared = as_list(item.get("parameters"))
    for key, operation in item.items():
        verb = "ANY" if key == ANY_METHOD else str(key).upper()
        if key == ANY_METHOD or str(key).lower() in VERBS:
            method = read_method(reading, resource, verb, as_object(operation), shared)
            if method is not None:
                resource["resourceMethods"][verb] = method
        elif key == "trace":
            reading.warnings.append(f"Unsupported HTTP method 'TRACE' at path '{path}'. Ignoring.")


def resource_at(api: Document, path: str) -> Document:
    """The resource of a path, made with all above it where it is not there."""
    resource = api["resources"][api["rootResourceId"]]
    for part in [part for part in path.split("/") if part]:
        below = next(
            (
                each
                for each in api["resources"].values()
                if each.get("parentId") == resource["id"] and each["pathPart"] == part
            ),
            None,
        )
        resource = below or add_resource(api, resource, part)
    return resource
