"""Layers in their order, and lists in pages."""

import json
import sys

import pytest
from botocore.exceptions import ClientError

from packages import LOGGING, make_function, make_role, zipped
from running import RunningCloud

PYTHON = """
import os, both, own, packaged
def handler(event, context):
    return [both.WORD, own.WORD, packaged.WORD, os.popen("tool").read().strip()]
"""
NODE = """
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
export const handler = async () => require("both");
"""


@pytest.fixture(scope="module")
def role(cloud: RunningCloud) -> str:
    return make_role(cloud.client("iam"), "layered", LOGGING)


def layer(cloud: RunningCloud, name: str, **files: str | bytes) -> str:
    made = cloud.client("lambda").publish_layer_version(
        LayerName=name, Content={"ZipFile": zipped(**files)}, CompatibleRuntimes=["python3.11"]
    )
    return made["LayerVersionArn"]


def invoke(cloud: RunningCloud, name: str) -> object:
    return json.loads(cloud.client("lambda").invoke(FunctionName=name)["Payload"].read())


def test_later_layers_count(cloud: RunningCloud, role: str) -> None:
    site = f"python/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    first = layer(
        cloud, "first",
        **{"python/both.py": "WORD = 'first'", "python/own.py": "WORD = 'layer'",
           f"{site}/packaged.py": "WORD = 'packaged'",
           "nodejs/node_modules/both.js": "module.exports = 'first'"},
    )  # fmt: skip
    second = layer(
        cloud, "second",
        **{"python/both.py": "WORD = 'second'", "nodejs/node_modules/both.js": "module.exports = 'second'",
           "bin/tool": "#!/bin/sh\necho tool\n"},
    )  # fmt: skip
    client = cloud.client("lambda")
    code = zipped(app__py=PYTHON, own__py="WORD = 'task'")
    client.create_function(
        FunctionName="layers-python", Runtime="python3.12", Role=role, Handler="app.handler",
        Code={"ZipFile": code}, Layers=[first, second],
    )  # fmt: skip
    found = invoke(cloud, "layers-python")
    assert isinstance(found, list)
    assert found[:3] == ["second", "task", "packaged"]
    client.update_function_configuration(FunctionName="layers-python", Layers=[second, first])
    again = invoke(cloud, "layers-python")
    assert isinstance(again, list)
    assert again[0] == "first"
    make_function(client, role, "layers-node", NODE, runtime="nodejs20.x", Layers=[first, second])
    assert invoke(cloud, "layers-node") == "second"


def test_pages(cloud: RunningCloud, role: str) -> None:
    client = cloud.client("lambda")
    for number in range(3):
        layer(cloud, "paged", **{"python/x.py": f"N = {number}"})
    shown = client.list_layer_versions(LayerName="paged", MaxItems=2)
    assert [row["Version"] for row in shown["LayerVersions"]] == [3, 2]
    rest = client.list_layer_versions(LayerName="paged", Marker=shown["NextMarker"])
    assert [row["Version"] for row in rest["LayerVersions"]] == [1]
    assert "NextMarker" not in rest
    assert (
        client.list_layer_versions(LayerName="paged", CompatibleRuntime="nodejs20.x")["LayerVersions"] == []
    )
    names = [row["LayerName"] for row in client.list_layers()["Layers"]]
    assert "paged" in names
    assert client.list_layers(CompatibleRuntime="nodejs20.x")["Layers"] == []

    make_function(client, role, "paged", PYTHON, Publish=True)
    for name in "abc":
        client.create_alias(FunctionName="paged", Name=name, FunctionVersion="1")
    shown = client.list_aliases(FunctionName="paged", MaxItems=2)
    assert [row["Name"] for row in shown["Aliases"]] == ["a", "b"]
    rest = client.list_aliases(FunctionName="paged", Marker=shown["NextMarker"])
    assert [row["Name"] for row in rest["Aliases"]] == ["c"]
    with pytest.raises(ClientError, match="Invalid Marker"):
        client.list_aliases(FunctionName="paged", Marker="9" * 5000)
    with pytest.raises(ClientError, match="The resource you requested does not exist"):
        client.get_layer_version(LayerName="paged", VersionNumber=9)
