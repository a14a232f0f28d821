"""Request validators: required parameters, and bodies against models.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
"""

import functools
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from maycloud.services.apigateway.mapping import MappingInput
from maycloud.services.apigateway.schema_keywords import TakesTooLongError, bounded, found, within

if TYPE_CHECKING:
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import ValidationError

LARGE = 64 << 10  # bytes of a body that is to be validated off the loop
MOST_PROBLEMS = 100  # that are told
_MODELS = "https://apigateway.amazonaws.com/restapis/"


def missing_parameters(required: dict[str, bool], data: MappingInput) -> list[str]:
    """Names of required ``method.request.{header|querystring|path}.x`` that are not there or empty."""
    missing: list[str] = []
    for expression, needed in required.items():
        if not needed:
            continue
        _, _, kind, name = expression.split(".", 3)
        if kind == "header":
            present = any(data.headers.get(name.lower(), ()))
        elif kind == "querystring":
            present = any(data.querystring.get(name, ()))
        else:
            present = bool(data.path.get(name))
        if not present:
            missing.append(name)
    return missing


def body_problem(schema: str, models: dict[str, str], body: bytes) -> str | None:
    """What is wrong with a body, as $context.error.validationErrorString says it; None if nothing is.

    `schema` is the model's text, `models` the texts of the API's models by name.
    """
    validator = _validator(schema, tuple(sorted(models.items())))
    if validator is None:
        return "Unsupported or invalid model schema"
    try:
        value = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return "Invalid JSON"
    from referencing.exceptions import Unresolvable

    try:
        with within(0.5 if len(body) <= LARGE else 10.0):
            problems = [_words(error) for error in islice(validator.iter_errors(value), MOST_PROBLEMS)]
    except (Unresolvable, RecursionError):
        return "A model that is referred to does not exist"
    except TakesTooLongError:
        return "The body takes too long to be validated"
    return f"[{', '.join(problems)}]" if problems else None


@functools.lru_cache(maxsize=512)
def _validator(schema: str, models: tuple[tuple[str, str], ...]) -> "Draft4Validator | None":
    from jsonschema import Draft4Validator  # seventy milliseconds, which starting the cloud shall not take
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import extend
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    try:
        document = orjson.loads(schema)
        Draft4Validator.check_schema(document)
    except (orjson.JSONDecodeError, SchemaError):
        return None
    known = dict(models)

    def retrieve(uri: str) -> Any:
        name = uri.partition("#")[0].rpartition("/models/")[2]
        if not uri.startswith(_MODELS) or name not in known:
            raise LookupError(uri)
        return Resource.from_contents(orjson.loads(known[name]), default_specification=DRAFT4)

    validator = extend(Draft4Validator, bounded(dict(Draft4Validator.VALIDATORS)))
    return validator(document, registry=Registry(retrieve=retrieve))  # type: ignore[call-arg, return-value]


def _words(error: "ValidationError") -> str:
    """A problem in the words of the validator that API Gateway uses (json-schema-validator of fge)."""
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]  # type: ignore[union-attr]
        return f"object has missing required properties ({orjson.dumps(missing).decode()})"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})  # type: ignore[union-attr]
        by_pattern = error.schema.get("patternProperties", {})  # type: ignore[union-attr]
        extra = sorted(
            name
            for name in error.instance
            if name not in known and not any(found(pattern, name) for pattern in by_pattern)
        )
        return (
            "object instance has properties which are not allowed by the schema:"
            f" {orjson.dumps(extra).decode()}"
        )
    if error.validator == "type":
        wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return (
            f"instance type ({_type(error.instance)}) does not match any allowed primitive type (allowed:"
            f" {orjson.dumps(sorted(map(str, wanted))).decode()})"
        )
    if error.validator in ("minLength", "maxLength"):
        short = "short" if error.validator == "minLength" else "long"
        side = "minimum" if short == "short" else "maximum"
        bound = "required " if short == "short" else "allowed "
        return (
            f'string "{error.instance}" is too {short} (length: {len(str(error.instance))}, {bound}{side}:'
            f" {error.validator_value})"
        )
    return str(error.message)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")
