"""Parts and versions of an API's documentation.

Words: LocalStack's tests/aws/services/apigateway/test_apigateway_api.snapshot.json, recorded of AWS, and its
provider.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gateways import Api, mock
from running import RunningCloud

Part = dict[str, Any]


@pytest.fixture
def api(cloud: RunningCloud) -> Api:
    return Api(cloud, "documented", {"/pets": {"get": mock()}})


def refused(call: Any, /, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def make(api: Api, location: Part, **properties: str) -> Part:
    return api.client.create_documentation_part(
        restApiId=api.id, location=location, properties=json.dumps(properties)
    )


def test_parts(api: Api) -> None:
    client, where = api.client, {"restApiId": api.id}
    whole = make(api, {"type": "API"}, description="all")
    assert whole["location"] == {"type": "API"}
    method = make(api, {"type": "METHOD", "path": "/pets"}, summary="list")
    assert method["location"] == {"type": "METHOD", "path": "/pets", "method": "*"}
    create = client.create_documentation_part
    assert refused(create, **where, location={"type": "API"}, properties="{}") == (
        "ConflictException",
        "Documentation part already exists for the specified location: type 'API'.",
    )
    assert refused(create, **where, location={"type": "MODEL"}, properties="{}")[0] == "BadRequestException"
    assert refused(create, **where, location={"type": "RESOURCE"}, properties="") == (
        "BadRequestException", "Documentation part properties must be non-empty",
    )  # fmt: skip
    assert client.get_documentation_part(**where, documentationPartId=whole["id"])["location"] == {
        "type": "API"
    }
    found = client.get_documentation_parts(**where, type="METHOD")["items"]
    assert [each["id"] for each in found] == [method["id"]]

    def update(op: str, path: str, value: str) -> Any:
        return client.update_documentation_part(
            **where, documentationPartId=whole["id"],
            patchOperations=[{"op": op, "path": path, "value": value}],
        )  # fmt: skip

    assert update("replace", "/properties", '{"a":1}')["properties"] == '{"a":1}'
    assert refused(update, op="add", path="/properties", value="{}")[1] == (
        "Invalid patch path  '/properties' specified for op 'add'. Please choose supported operations"
    )
    assert refused(update, op="replace", path="/location", value="{}")[1] == (
        "Invalid patch path  '/location' specified for op 'replace'. Must be one of: [/properties]"
    )
    client.delete_documentation_part(**where, documentationPartId=whole["id"])
    get = client.get_documentation_part
    assert refused(get, **where, documentationPartId=whole["id"]) == (
        "NotFoundException", "Invalid Documentation part identifier specified",
    )  # fmt: skip


def test_versions_are_exported_and_imported(api: Api) -> None:
    client, where = api.client, {"restApiId": api.id}
    create = client.create_documentation_version
    assert refused(create, **where, documentationVersion="1")[0] == "BadRequestException"
    make(api, {"type": "RESOURCE", "path": "/pets"}, description="all pets")
    create(**where, documentationVersion="1", stageName="s", description="first")
    assert refused(create, **where, documentationVersion="1") == (
        "ConflictException", "Version '1' already exists",
    )  # fmt: skip
    make(api, {"type": "API"}, description="later")
    assert [each["version"] for each in client.get_documentation_versions(**where)["items"]] == ["1"]
    changed = client.update_documentation_version(
        **where, documentationVersion="1",
        patchOperations=[{"op": "replace", "path": "/description", "value": "the first"}],
    )  # fmt: skip
    assert changed["description"] == "the first"
    exported = client.get_export(**where, stageName="s", exportType="oas30")["body"].read()
    written = json.loads(exported)["x-amazon-apigateway-documentation"]
    part: Part = {
        "location": {"type": "RESOURCE", "path": "/pets"}, "properties": {"description": "all pets"}
    }  # fmt: skip
    assert (written["version"], written["documentationParts"]) == ("1", [part])
    again = client.import_rest_api(body=exported)["id"]
    found = client.get_documentation_parts(restApiId=again)["items"]
    assert [each["location"] for each in found] == [part["location"]]
    ids = client.import_documentation_parts(restApiId=again, mode="merge", body=exported)["ids"]
    assert ids == [found[0]["id"]]
    client.delete_documentation_version(**where, documentationVersion="1")
    assert client.get_documentation_versions(**where)["items"] == []
