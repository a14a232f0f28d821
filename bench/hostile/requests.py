"""Requests to begin with: every operation there is, with parameters of its shapes, in every protocol.

They are made by botocore's own serializers from parameters that mostly fit the model, and are told apart by
a seed alone. Names come from a small set, so that what the valid ones among them create stays bounded.
"""

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import botocore.loaders
from botocore.exceptions import BotoCoreError
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.serialize import create_serializer

from maycloud.loading import SERVICES, load_service

MAX_DEPTH = 6

_NAMES = ("alpha", "beta", "gamma", "a/b", "$LATEST", "*")
_TEXTS = (
    "", "x", "9" * 30, "9" * 5000, "²", "٣", "alpha", "arn:aws:iam::000000000000:role/alpha", "0", "-1", "{}",
    "ü☃",
    "a" * 300, "%00", "..",
)  # fmt: skip
_NUMBERS = (0, 1, -1, 2, 100, 2**31 - 1, 2**63, -(2**63) - 1, 10**40)


@dataclass(slots=True)
class Draft:
    """A request before it is signed. `query` is a string, as sent; `service` is the signing name."""

    service: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    operation: str = ""
    host: str = "localhost"
    extra: list[bytes] = field(default_factory=list)  # header lines sent as they are, unsigned


@dataclass(frozen=True, slots=True)
class Known:
    """One operation in one protocol. Models are large and made once."""

    service: str
    signing_name: str
    operation: OperationModel
    serializer: Any


# What a run of the test suite attacks: the same requests, whatever other services come.
CORE = ("cloudformation", "cloudwatch", "dynamodb", "dynamodbstreams", "iam", "lambda", "logs", "ssm", "sts")


@cache
def known(services: tuple[str, ...]) -> list[Known]:
    """Every operation of the services, or of all there are, in each of its protocols."""
    loader = botocore.loaders.Loader()
    found: list[Known] = []
    for name, service in ((name, load_service(name)) for name in SERVICES):
        if services and name not in services:
            continue
        model = ServiceModel(loader.load_service_model(name, "service-2"), name)
        names: Any = model.operation_names
        for protocol in model.metadata.get("protocols", [model.metadata["protocol"]]):
            serializer = create_serializer(protocol, include_validation=False)
            found += [
                Known(name, str(model.signing_name), model.operation_model(operation), serializer)
                for operation in service.operations
                if operation in set(names)  # S3's OPTIONS is none of the model's
            ]
    return found


class Maker:
    """Drafts of random operations."""

    def __init__(self, rng: random.Random, services: tuple[str, ...] = ()) -> None:
        self._rng = rng
        self._known = known(services)

    def draft(self) -> Draft:
        while True:
            chosen = self._rng.choice(self._known)
            shape: Any = chosen.operation.input_shape
            params = self._structure(shape, 0) if shape else {}
            try:
                return self._serialize(chosen, params)
            except (BotoCoreError, ValueError, TypeError, AttributeError, KeyError, OverflowError):
                continue  # botocore cannot write what it was given; another will do

    def _serialize(self, chosen: Known, params: dict[str, Any]) -> Draft:
        made = chosen.serializer.serialize_to_request(params, chosen.operation)
        path, _, query = made["url_path"].partition("?")
        given = made["query_string"]
        pairs = urlencode(given, doseq=True, quote_via=quote) if isinstance(given, dict) else str(given or "")
        body = made["body"]
        if isinstance(body, dict):
            body = urlencode(body, doseq=True).encode()
        elif hasattr(body, "read"):
            body = body.read()
        elif isinstance(body, str):
            body = body.encode()
        headers = {str(name): str(value) for name, value in made["headers"].items()}
        return Draft(
            chosen.signing_name,
            made["method"],
            path or "/",
            "&".join(part for part in (query, pairs) if part),
            {k.lower(): v for k, v in headers.items() if v.isascii() and v.isprintable()},
            bytes(body or b""),
            f"{chosen.service}:{chosen.operation.name}",
        )

    # Values of shapes

    def _structure(self, shape: Shape | None, depth: int) -> dict[str, Any]:
        members: dict[str, Shape] = getattr(shape, "members", {})
        required = set(getattr(shape, "required_members", []))
        chance = 0.5 if depth == 0 else 0.25
        return {
            name: self._value(member, depth + 1)
            for name, member in members.items()
            if (name in required and self._rng.random() < 0.95) or self._rng.random() < chance
        }

    def _value(self, shape: Shape, depth: int) -> Any:
        rng = self._rng
        if depth > MAX_DEPTH:
            return {} if shape.type_name in ("structure", "map") else []
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, depth)
        if kind == "list":
            return [self._value(shape.member, depth + 1) for _ in range(rng.choice((0, 1, 1, 2)))]  # type: ignore[attr-defined]
        if kind == "map":
            return {
                rng.choice(_NAMES): self._value(shape.value, depth + 1)  # type: ignore[attr-defined]
                for _ in range(rng.choice((0, 1, 1, 2)))
            }
        return self._scalar(shape)

    def _scalar(self, shape: Shape) -> Any:
        rng = self._rng
        kind = shape.type_name
        if kind == "boolean":
            return rng.random() < 0.5
        if kind in ("integer", "long"):
            return rng.choice(_NUMBERS)
        if kind in ("float", "double"):
            return rng.choice((0.0, -1.5, 1e308, float(rng.randrange(100))))
        if kind == "blob":
            return rng.randbytes(rng.choice((0, 1, 20)))
        if kind == "timestamp":
            return rng.choice((0, 1_700_000_000, "2026-01-01T00:00:00Z"))
        enum = getattr(shape, "enum", None)
        if enum and rng.random() < 0.8:
            return rng.choice(enum)
        return rng.choice(_NAMES) if rng.random() < 0.7 else rng.choice(_TEXTS)


def known_good() -> Draft:
    """A request whose answer is known: 200 with the caller's name."""
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return Draft("sts", "POST", "/", "", headers, body, "sts:GetCallerIdentity")
