"""Invalidations: what edges must forget before its time.

The cache forgets at once; the status follows a little later, as callers expect to wait.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
"""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudfront import common
from maycloud.services.cloudfront.common import check_quantities, items, moment, scope, state
from maycloud.services.cloudfront.store import new_id
from maycloud.store import Document

COMPLETING = 0.5  # seconds
MAX_PATHS = 3000


def _status(document: Document, now: float) -> str:
    return "Completed" if now >= document["created"] + COMPLETING else "InProgress"


def _of(call: Call, distribution: str) -> list[Document]:
    return [each for _, each in state(call).invalidations.items(scope(call), f"{distribution}/")]


def in_progress(call: Call, distribution: str) -> int:
    now = call.now()
    return sum(_status(each, now) == "InProgress" for each in _of(call, distribution))


def _find_distribution(call: Call, id_: str) -> None:
    if state(call).distributions.get(scope(call), id_) is None:
        raise AwsError("NoSuchDistribution", "The specified distribution does not exist.", 404)


def _view(call: Call, document: Document) -> dict[str, Any]:
    return {
        "Id": document["id"],
        "Status": _status(document, call.now()),
        "CreateTime": moment(document["created"]),
        "InvalidationBatch": document["batch"],
    }


def create(call: Call, params: Params) -> Result:
    distribution, batch = params["DistributionId"], params["InvalidationBatch"]
    _find_distribution(call, distribution)
    check_quantities(batch)
    paths = items(batch["Paths"])
    if not paths or not batch["CallerReference"]:
        raise common.invalid("Your request must contain a caller reference and at least one path.")
    if len(paths) > MAX_PATHS:
        raise AwsError("BatchTooLarge", "Your request contains too many objects for invalidation.", 413)
    for path in paths:
        if not path.startswith("/") or len(path) > 4000 or "*" in path[:-1] or not path.isprintable():
            raise common.invalid("Your request contains one or more invalid invalidation paths.")
    document = next(
        (
            each
            for each in _of(call, distribution)
            if each["batch"]["CallerReference"] == batch["CallerReference"]
        ),
        None,
    )
    if document is not None and document["batch"] != batch:
        raise AwsError(
            "InvalidationBatchAlreadyExists",
            "Your request contains a caller reference that was used for a previous invalidation batch for the"
            " same distribution.",
            409,
        )
    if document is None:
        document = {"id": new_id("I"), "created": call.now(), "batch": batch}
        state(call).invalidations.put(scope(call), f"{distribution}/{document['id']}", document)
        # Not before the row is durable: a client told of it must find it after a crash.
        call.store.db.after_commit(lambda _: state(call).plane.forget(distribution, paths), None)
    return {
        "Invalidation": _view(call, document),
        "Location": f"{common.BASE}/distribution/{distribution}/invalidation/{document['id']}",
    }


def get(call: Call, params: Params) -> Result:
    _find_distribution(call, params["DistributionId"])
    document = state(call).invalidations.get(scope(call), f"{params['DistributionId']}/{params['Id']}")
    if document is None:
        raise AwsError("NoSuchInvalidation", "The specified invalidation does not exist.", 404)
    return {"Invalidation": _view(call, document)}


def list_all(call: Call, params: Params) -> Result:
    """Newest first."""
    _find_distribution(call, params["DistributionId"])
    found = sorted(_of(call, params["DistributionId"]), key=lambda each: -each["created"])
    marker = params.get("Marker") or ""
    at = next((index + 1 for index, each in enumerate(found) if each["id"] == marker), 0)
    rows = [
        (
            each["id"],
            {
                "Id": each["id"],
                "CreateTime": moment(each["created"]),
                "Status": _status(each, call.now()),
            },
        )
        for each in found[at:]
    ]
    result, _ = common.page({**params, "Marker": ""}, rows)
    result["Marker"] = marker
    return {"InvalidationList": result}
