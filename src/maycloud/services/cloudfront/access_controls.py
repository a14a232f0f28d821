"""How CloudFront proves itself to an origin: origin access controls, and the older identities."""

import hashlib
import re
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudfront import common
from maycloud.services.cloudfront.common import items, scope, state, unsupported
from maycloud.services.cloudfront.store import new_id
from maycloud.store import Document

_NAME = re.compile(r"[\x20-\x7e]{1,64}")
IDENTITY = "origin-access-identity/cloudfront/"  # before an identity's id in an origin's configuration


# Origin access controls


def find_control(call: Call, id_: str) -> Document:
    found = state(call).access_controls.get(scope(call), id_)
    if found is None:
        raise AwsError(
            "NoSuchOriginAccessControl", "The specified origin access control does not exist.", 404
        )
    return found


def _control(document: Document) -> dict[str, Any]:
    return {"Id": document["id"], "OriginAccessControlConfig": document["config"]}


def _checked(call: Call, config: dict[str, Any], own: str | None) -> dict[str, Any]:
    if not _NAME.fullmatch(config["Name"]):
        raise common.invalid("The parameter Name is invalid.")
    if config["OriginAccessControlOriginType"] != "s3":
        raise unsupported(f"An origin access control of type {config['OriginAccessControlOriginType']}")
    if config["SigningBehavior"] not in ("never", "always", "no-override"):
        raise unsupported(f"SigningBehavior {config['SigningBehavior']}")
    if config["SigningProtocol"] != "sigv4":
        raise unsupported(f"SigningProtocol {config['SigningProtocol']}")
    for id_, each in state(call).access_controls.items(scope(call)):
        if id_ != own and each["config"]["Name"] == config["Name"]:
            raise AwsError(
                "OriginAccessControlAlreadyExists",
                "An origin access control with the same name already exists.",
                409,
            )
    return {"Description": "", **config}


def create_control(call: Call, params: Params) -> Result:
    config = _checked(call, params["OriginAccessControlConfig"], None)
    document = {"id": new_id(), "etag": new_id(), "modified": call.now(), "config": config}
    state(call).access_controls.put(scope(call), document["id"], document)
    return {
        "OriginAccessControl": _control(document),
        "Location": f"{common.BASE}/origin-access-control/{document['id']}",
        "ETag": document["etag"],
    }


def get_control(call: Call, params: Params) -> Result:
    document = find_control(call, params["Id"])
    return {"OriginAccessControl": _control(document), "ETag": document["etag"]}


def get_control_config(call: Call, params: Params) -> Result:
    document = find_control(call, params["Id"])
    return {"OriginAccessControlConfig": document["config"], "ETag": document["etag"]}


def update_control(call: Call, params: Params) -> Result:
    document = find_control(call, params["Id"])
    common.check_version(params, document)
    config = _checked(call, params["OriginAccessControlConfig"], params["Id"])
    document |= {"config": config, "etag": new_id(), "modified": call.now()}
    state(call).access_controls.put(scope(call), document["id"], document)
    state(call).changed()
    return {"OriginAccessControl": _control(document), "ETag": document["etag"]}


def delete_control(call: Call, params: Params) -> Result:
    document = find_control(call, params["Id"])
    common.check_version(params, document)
    if any(origin.get("OriginAccessControlId") == document["id"] for origin in _origins(call)):
        raise AwsError(
            "OriginAccessControlInUse",
            "Cannot delete the origin access control because it's in use by one or more distributions.",
            409,
        )
    state(call).access_controls.delete(scope(call), document["id"])
    return None


def list_controls(call: Call, params: Params) -> Result:
    rows = [
        (id_, {"Id": id_, **document["config"]})
        for id_, document in state(call).access_controls.items(scope(call))
    ]
    result, _ = common.page(params, rows)
    return {"OriginAccessControlList": result}


def _origins(call: Call) -> list[dict[str, Any]]:
    return [
        origin
        for _, each in state(call).distributions.items(scope(call))
        for origin in items(each["config"]["Origins"])
    ]


# Origin access identities


def find_identity(call: Call, id_: str) -> Document:
    found = state(call).identities.get(scope(call), id_)
    if found is None:
        raise AwsError(
            "NoSuchCloudFrontOriginAccessIdentity",
            "The specified origin access identity does not exist.",
            404,
        )
    return found


def _identity(document: Document) -> dict[str, Any]:
    return {
        "Id": document["id"],
        "S3CanonicalUserId": document["canonical"],
        "CloudFrontOriginAccessIdentityConfig": document["config"],
    }


def create_identity(call: Call, params: Params) -> Result:
    """The same reference and comment give the identity there is."""
    config = params["CloudFrontOriginAccessIdentityConfig"]
    document = next(
        (
            each
            for _, each in state(call).identities.items(scope(call))
            if each["config"]["CallerReference"] == config["CallerReference"]
        ),
        None,
    )
    if document is not None and document["config"] != config:
        raise AwsError(
            "CloudFrontOriginAccessIdentityAlreadyExists",
            "The caller reference you attempted to create the origin access identity with is associated with"
            " another origin access identity.",
            409,
        )
    if document is None:
        if len(state(call).identities.items(scope(call))) >= 100:
            raise AwsError(
                "TooManyCloudFrontOriginAccessIdentities",
                "Processing your request would cause you to exceed the maximum number of origin access"
                " identities allowed.",
            )
        id_ = new_id()
        canonical = hashlib.sha384(f"canonical-user/{id_}".encode()).hexdigest()
        document = {
            "id": id_, "etag": new_id(), "modified": call.now(), "config": config,
            "canonical": canonical,
        }  # fmt: skip
        state(call).identities.put(scope(call), id_, document)
    return {
        "CloudFrontOriginAccessIdentity": _identity(document),
        "Location": f"{common.BASE}/{IDENTITY}{document['id']}",
        "ETag": document["etag"],
    }


def get_identity(call: Call, params: Params) -> Result:
    document = find_identity(call, params["Id"])
    return {"CloudFrontOriginAccessIdentity": _identity(document), "ETag": document["etag"]}


def get_identity_config(call: Call, params: Params) -> Result:
    document = find_identity(call, params["Id"])
    return {"CloudFrontOriginAccessIdentityConfig": document["config"], "ETag": document["etag"]}


def update_identity(call: Call, params: Params) -> Result:
    document = find_identity(call, params["Id"])
    common.check_version(params, document)
    config = params["CloudFrontOriginAccessIdentityConfig"]
    if config["CallerReference"] != document["config"]["CallerReference"]:
        raise AwsError("IllegalUpdate", "The caller reference cannot be changed.")
    document |= {"config": config, "etag": new_id(), "modified": call.now()}
    state(call).identities.put(scope(call), document["id"], document)
    return {"CloudFrontOriginAccessIdentity": _identity(document), "ETag": document["etag"]}


def delete_identity(call: Call, params: Params) -> Result:
    document = find_identity(call, params["Id"])
    common.check_version(params, document)
    used = IDENTITY + document["id"]
    if any((each.get("S3OriginConfig") or {}).get("OriginAccessIdentity") == used for each in _origins(call)):
        raise AwsError(
            "CloudFrontOriginAccessIdentityInUse",
            "The CloudFront origin access identity is still being used.",
            409,
        )
    state(call).identities.delete(scope(call), document["id"])
    return None


def list_identities(call: Call, params: Params) -> Result:
    rows = [
        (id_, {"Id": id_, "S3CanonicalUserId": each["canonical"], "Comment": each["config"]["Comment"]})
        for id_, each in state(call).identities.items(scope(call))
    ]
    result, _ = common.page(params, rows)
    return {"CloudFrontOriginAccessIdentityList": result}
