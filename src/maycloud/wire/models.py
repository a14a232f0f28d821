"""AWS's service models, as botocore ships them, read when a service is first called."""

import functools
import gzip
import importlib.util
from pathlib import Path
from typing import Any

import orjson

from maycloud.wire import additions

Shape = dict[str, Any]


@functools.cache
def data_folder() -> Path:
    """botocore's folder of models, found without importing botocore."""
    spec = importlib.util.find_spec("botocore")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data"


class Model:
    """One service's model. Shapes are the model's own dictionaries; traits of members win over shapes'."""

    def __init__(self, name: str) -> None:
        newest = max(folder for folder in (data_folder() / name).iterdir() if folder.is_dir())
        packed = newest / "service-2.json.gz"
        raw = (
            gzip.decompress(packed.read_bytes())
            if packed.exists()
            else (newest / "service-2.json").read_bytes()
        )
        document = _without_documentation(orjson.loads(raw))
        additions.extend(name, document)
        self.name = name
        self.metadata: dict[str, Any] = document["metadata"]
        self.operations: dict[str, dict[str, Any]] = document["operations"]
        self.shapes: dict[str, Shape] = document["shapes"]

    @property
    def protocols(self) -> list[str]:
        """All that the model names, the usual one first."""
        first = self.metadata["protocol"]
        return [first, *(each for each in self.metadata.get("protocols", []) if each != first)]

    @property
    def json_version(self) -> str:
        return str(self.metadata.get("jsonVersion", "1.0"))

    @property
    def target_prefix(self) -> str:
        return str(self.metadata.get("targetPrefix", ""))

    @property
    def signing_name(self) -> str:
        return str(self.metadata.get("signingName") or self.metadata["endpointPrefix"])

    @property
    def xml_namespace(self) -> str:
        return str(self.metadata.get("xmlNamespace", ""))

    def input(self, operation: str) -> Shape:
        """The input's structure with its members, or an empty structure."""
        return self._resolve(self.operations[operation].get("input"))

    def output(self, operation: str) -> Shape:
        return self._resolve(self.operations[operation].get("output"))

    def member(self, reference: Shape) -> Shape:
        """A reference's shape with the reference's own traits over it."""
        return {**self.shapes[reference["shape"]], **reference}

    def error_shape(self, code: str) -> tuple[str, Shape] | None:
        """Name and shape of the error that is called `code` on the wire."""
        found = self._errors.get(code)
        return (found, self.shapes[found]) if found else None

    @functools.cached_property
    def _errors(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        for name, shape in self.shapes.items():
            if shape.get("exception"):
                errors[name] = name
                code = shape.get("error", {}).get("code")
                if code:
                    errors[code] = name
        return errors

    def _resolve(self, reference: Shape | None) -> Shape:
        if reference is None:
            return {"type": "structure", "members": {}}
        return self.member(reference)


def _without_documentation(value: Any) -> Any:
    """Two thirds of a model are its documentation, which nobody reads at run time."""
    if isinstance(value, dict):
        return {
            key: _without_documentation(item)
            for key, item in value.items()
            if key != "documentation" or not isinstance(item, str)
        }
    if isinstance(value, list):
        return [_without_documentation(item) for item in value]
    return value
