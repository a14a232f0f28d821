"""Turning a template with local paths into one that names uploaded objects."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maycloud.cli.build import build
from maycloud.cli.failure import Failure

Upload = Callable[[Path, str], str]  # a file and its key; gives the bucket


@dataclass(frozen=True, slots=True)
class Artifact:
    """A property that names local code: where it stands and what it holds."""

    logical_id: str
    kind: str  # the resource's type
    holder: dict[str, Any]  # the properties
    name: str  # the property
    runtime: str
    layer: bool


def artifacts(template: dict[str, Any]) -> Iterator[Artifact]:
    """All properties of a template that name local folders or files."""
    defaults = (template.get("Globals") or {}).get("Function") or {}
    for logical_id, resource in (template.get("Resources") or {}).items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Properties", {}), dict):
            continue  # CloudFormation says what is wrong with it
        kind = resource.get("Type", "")
        if not kind:
            continue  # what a transform is still to put in its place
        properties = resource.setdefault("Properties", {})
        runtime = str(properties.get("Runtime", defaults.get("Runtime", "")))
        if kind == "AWS::Serverless::Function":
            if "InlineCode" in properties:
                continue
            if "CodeUri" not in properties and "CodeUri" in defaults:
                properties["CodeUri"] = defaults["CodeUri"]
            name = "CodeUri"
        elif kind == "AWS::Lambda::Function":
            name = "Code"
        elif kind == "AWS::Serverless::LayerVersion":
            name = "ContentUri"
        elif kind == "AWS::Lambda::LayerVersion":
            name = "Content"
        elif kind in ("AWS::Serverless::Api", "AWS::Serverless::HttpApi"):
            name = "DefinitionUri"
        else:
            continue
        if isinstance(properties.get(name), str) and not properties[name].startswith("s3://"):
            layer = "Layer" in kind
            if layer:
                compatible = properties.get("CompatibleRuntimes") or [""]
                runtime = str((resource.get("Metadata") or {}).get("BuildMethod", compatible[0]))
            yield Artifact(logical_id, kind, properties, name, runtime, layer)


def package(template: dict[str, Any], root: Path, cache: Path, upload: Upload) -> None:
    """Build every local artifact, upload it under its own hash, and put its address into the template."""
    cache.mkdir(parents=True, exist_ok=True)
    for holder, name in _nested(template):
        holder[name] = _package_nested(root / holder[name], cache, upload)
    for artifact in artifacts(template):
        path = root / artifact.holder[artifact.name]
        if artifact.name == "DefinitionUri":
            file = path
            if not file.is_file():
                raise Failure(f"{artifact.logical_id} names the API definition {file}, which is not there")
        else:
            file = build(path, artifact.runtime, cache, layer=artifact.layer)
        key = hashlib.sha256(file.read_bytes()).hexdigest() + file.suffix
        bucket = upload(file, key)
        if artifact.kind.startswith("AWS::Serverless::"):
            artifact.holder[artifact.name] = f"s3://{bucket}/{key}"
        else:
            artifact.holder[artifact.name] = {"S3Bucket": bucket, "S3Key": key}
    # Globals have done their part for code; left there they would name a local folder still.
    function = (template.get("Globals") or {}).get("Function")
    if function:
        function.pop("CodeUri", None)


def _nested(template: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Properties that name local templates, of nested stacks and applications."""
    names = {"AWS::CloudFormation::Stack": "TemplateURL", "AWS::Serverless::Application": "Location"}
    for resource in (template.get("Resources") or {}).values():
        if not isinstance(resource, dict) or not isinstance(resource.get("Properties"), dict):
            continue
        name = names.get(resource.get("Type", ""), "")
        value = resource["Properties"].get(name)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "s3://")):
            yield resource["Properties"], name


def _package_nested(path: Path, cache: Path, upload: Upload) -> str:
    """The address of a nested template whose own artifacts are uploaded."""
    from maycloud.services.cloudformation.template import parse_template

    if not path.is_file():
        raise Failure(f"the nested template {path} is not there")
    template = parse_template(path.read_text("utf-8"))
    package(template, path.parent, cache, upload)
    data = json.dumps(template, default=str).encode()
    key = f"{hashlib.sha256(data).hexdigest()}.template"
    file = cache / key
    file.write_bytes(data)
    return f"https://s3.amazonaws.com/{upload(file, key)}/{key}"
