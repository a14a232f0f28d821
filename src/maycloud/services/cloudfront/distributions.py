"""The life of a distribution: made, changed under an entity tag, deleted once it is disabled."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudfront import common, invalidations, tags
from maycloud.services.cloudfront.common import arn, check_version, moment, scope, state
from maycloud.services.cloudfront.defaults import complete
from maycloud.services.cloudfront.policies import Kind, behaviors
from maycloud.services.cloudfront.store import domain_of, new_id
from maycloud.services.cloudfront.validation import check
from maycloud.store import Document

DEPLOYING = 0.5  # seconds from a change until Deployed; AWS takes minutes
MAX_DISTRIBUTIONS = 500


def find(call: Call, id_: str) -> Document:
    found = state(call).distributions.get(scope(call), id_)
    if found is None:
        raise AwsError("NoSuchDistribution", "The specified distribution does not exist.", 404)
    return found


def status(document: Document, now: float) -> str:
    return "Deployed" if now >= document["modified"] + DEPLOYING else "InProgress"


def view(call: Call, document: Document) -> dict[str, Any]:
    return {
        "Id": document["id"],
        "ARN": arn(call, "distribution", document["id"]),
        "Status": status(document, call.now()),
        "LastModifiedTime": moment(document["modified"]),
        "InProgressInvalidationBatches": invalidations.in_progress(call, document["id"]),
        "DomainName": domain_of(document["id"]),
        "ActiveTrustedSigners": {"Enabled": False, "Quantity": 0},
        "ActiveTrustedKeyGroups": {"Enabled": False, "Quantity": 0},
        "DistributionConfig": document["config"],
    }


def create(call: Call, config: dict[str, Any], given: list[dict[str, Any]]) -> Result:
    config = complete(config)
    tags.check(given)
    check(call, config, None)
    store, owner = state(call), scope(call)
    taken = store.references.get(owner, config["CallerReference"])
    if taken is not None:
        raise AwsError(
            "DistributionAlreadyExists",
            "The caller reference that you are using to create a distribution is associated with another"
            f" distribution. Already exists: {taken['id']}",
            409,
        )
    if len(store.distributions.items(owner)) >= MAX_DISTRIBUTIONS:
        raise AwsError(
            "TooManyDistributions",
            "Processing your request would cause you to exceed the maximum number of distributions allowed.",
        )
    now = call.now()
    document = {
        "id": new_id(), "etag": new_id(), "created": now, "modified": now, "config": config,
        "reference": config["CallerReference"], "tags": given,
    }  # fmt: skip
    store.references.put(owner, document["reference"], {"id": document["id"]})
    store.put_distribution(owner, document)
    return {
        "Distribution": view(call, document),
        "Location": f"{common.BASE}/distribution/{document['id']}",
        "ETag": document["etag"],
    }


def get(call: Call, params: Params) -> Result:
    document = find(call, params["Id"])
    return {"Distribution": view(call, document), "ETag": document["etag"]}


def get_config(call: Call, params: Params) -> Result:
    document = find(call, params["Id"])
    return {"DistributionConfig": document["config"], "ETag": document["etag"]}


def update(call: Call, params: Params) -> Result:
    document = find(call, params["Id"])
    check_version(params, document)
    config = complete(params["DistributionConfig"])
    if config["CallerReference"] != document["reference"]:
        raise AwsError("IllegalUpdate", "The parameter CallerReference cannot be changed.")
    check(call, config, document["id"])
    document |= {"config": config, "etag": new_id(), "modified": call.now()}
    state(call).put_distribution(scope(call), document)
    return {"Distribution": view(call, document), "ETag": document["etag"]}


def delete(call: Call, params: Params) -> Result:
    document = find(call, params["Id"])
    check_version(params, document)
    # AWS wants the disabling deployed as well: until then edges may still serve.
    if document["config"]["Enabled"] or status(document, call.now()) != "Deployed":
        raise AwsError(
            "DistributionNotDisabled",
            "The distribution you are trying to delete has not been disabled.",
            409,
        )
    state(call).delete_distribution(scope(call), document)
    call.store.db.after_commit(lambda _: state(call).plane.forget(document["id"], ["/*"]), None)
    return None


_SUMMARY = (
    "Aliases", "Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors", "CustomErrorResponses",
    "Comment", "PriceClass", "Enabled", "ViewerCertificate", "Restrictions", "WebACLId", "HttpVersion",
    "IsIPV6Enabled", "Staging",
)  # fmt: skip


def list_all(call: Call, params: Params) -> Result:
    rows = [
        (
            id_,
            {
                "Id": id_,
                "ARN": arn(call, "distribution", id_),
                "ETag": document["etag"],
                "Status": status(document, call.now()),
                "LastModifiedTime": moment(document["modified"]),
                "DomainName": domain_of(id_),
                **{member: document["config"][member] for member in _SUMMARY},
            },
        )
        for id_, document in state(call).distributions.items(scope(call))
    ]
    result, _ = common.page(params, rows)
    return {"DistributionList": result}


def list_by_policy(call: Call, kind: Kind, params: Params) -> Result:
    """Ids of the distributions that use a policy."""
    member = f"{kind.noun}Id"
    wanted = params[member]
    rows = [
        (id_, id_)
        for id_, document in state(call).distributions.items(scope(call))
        if any(behavior.get(member) == wanted for behavior in behaviors(document["config"]))
    ]
    result, _ = common.page(params, rows)
    return {"DistributionIdList": result}
