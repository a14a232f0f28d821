"""Cache, origin request and response headers policies: one life, three kinds."""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cloudfront import common
from maycloud.services.cloudfront.common import invalid, items, moment, scope, state
from maycloud.services.cloudfront.managed import MANAGED
from maycloud.services.cloudfront.store import new_id
from maycloud.store import Document

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MANAGED_ETAG = "E23ZP02F085DFQ"
_SINCE = 1595000000.0  # managed policies came in July 2020
_MOST = 20  # of each kind in an account


@dataclass(frozen=True, slots=True)
class Kind:
    """`noun` is AWS's word in member and error names: ``CachePolicy``."""

    key: str  # in the store and in paths: ``cache``
    noun: str
    words: str
    plural: str

    def error(self, suffix: str, message: str, status: int) -> AwsError:
        return AwsError(f"{self.noun}{suffix}", message, status)


CACHE = Kind("cache", "CachePolicy", "cache policy", "CachePolicies")
ORIGIN_REQUEST = Kind(
    "origin-request", "OriginRequestPolicy", "origin request policy", "OriginRequestPolicies"
)
RESPONSE_HEADERS = Kind(
    "response-headers", "ResponseHeadersPolicy", "response headers policy", "ResponseHeadersPolicies"
)
KINDS = (CACHE, ORIGIN_REQUEST, RESPONSE_HEADERS)


def find(call: Call, kind: Kind, id_: str) -> Document:
    """A policy of the account, or one of AWS's. Raises NoSuch…."""
    managed = MANAGED[kind.key].get(id_)
    if managed is not None:
        return {"id": id_, "etag": _MANAGED_ETAG, "modified": _SINCE, "config": managed, "managed": True}
    found = state(call).policies[kind.key].get(scope(call), id_)
    if found is None:
        raise AwsError(f"NoSuch{kind.noun}", f"The specified {kind.words} does not exist.", 404)
    return found


def _view(kind: Kind, document: Document) -> dict[str, Any]:
    return {
        "Id": document["id"],
        "LastModifiedTime": moment(document["modified"]),
        f"{kind.noun}Config": document["config"],
    }


def create(call: Call, kind: Kind, params: Params) -> Result:
    config = _checked(call, kind, params[f"{kind.noun}Config"], None)
    documents = state(call).policies[kind.key]
    if len(documents.items(scope(call))) >= _MOST:
        raise AwsError(
            f"TooMany{kind.plural}", f"You have reached the maximum number of {kind.words[:-1]}ies."
        )
    document = {"id": str(uuid.uuid4()), "etag": new_id(), "modified": call.now(), "config": config}
    documents.put(scope(call), document["id"], document)
    return {
        kind.noun: _view(kind, document),
        "Location": f"{common.BASE}/{kind.key}-policy/{document['id']}",
        "ETag": document["etag"],
    }


def get(call: Call, kind: Kind, params: Params) -> Result:
    document = find(call, kind, params["Id"])
    return {kind.noun: _view(kind, document), "ETag": document["etag"]}


def get_config(call: Call, kind: Kind, params: Params) -> Result:
    document = find(call, kind, params["Id"])
    return {f"{kind.noun}Config": document["config"], "ETag": document["etag"]}


def update(call: Call, kind: Kind, params: Params) -> Result:
    document = find(call, kind, params["Id"])
    if document.get("managed"):
        raise AwsError("IllegalUpdate", "You cannot update a managed policy.")
    common.check_version(params, document)
    config = _checked(call, kind, params[f"{kind.noun}Config"], params["Id"])
    document |= {"config": config, "etag": new_id(), "modified": call.now()}
    state(call).policies[kind.key].put(scope(call), document["id"], document)
    state(call).changed()
    return {kind.noun: _view(kind, document), "ETag": document["etag"]}


def delete(call: Call, kind: Kind, params: Params) -> Result:
    document = find(call, kind, params["Id"])
    if document.get("managed"):
        raise AwsError("IllegalDelete", "You cannot delete a managed policy.")
    common.check_version(params, document)
    member = f"{kind.noun}Id"
    if any(
        behavior.get(member) == document["id"]
        for _, each in state(call).distributions.items(scope(call))
        for behavior in behaviors(each["config"])
    ):
        raise kind.error(
            "InUse", f"Cannot delete the {kind.words} because it is attached to one or more cache behaviors.",
            409,
        )  # fmt: skip
    state(call).policies[kind.key].delete(scope(call), document["id"])
    return None


def behaviors(config: dict[str, Any]) -> list[dict[str, Any]]:
    """All cache behaviors of a distribution, those with patterns in their order, the default last."""
    return [*items(config.get("CacheBehaviors")), config["DefaultCacheBehavior"]]


def list_all(call: Call, kind: Kind, params: Params) -> Result:
    wanted = params.get("Type")
    rows: list[tuple[str, dict[str, Any]]] = []
    if wanted != "custom":
        rows += [
            (id_, {"Type": "managed", kind.noun: _view(kind, find(call, kind, id_))})
            for id_ in MANAGED[kind.key]
        ]
    if wanted != "managed":
        rows += [
            (id_, {"Type": "custom", kind.noun: _view(kind, document)})
            for id_, document in state(call).policies[kind.key].items(scope(call))
        ]
    result, _ = common.page(params, sorted(rows, key=lambda row: row[0]), marked=False)
    return {f"{kind.noun}List": result}


# Checks


def _checked(call: Call, kind: Kind, config: dict[str, Any], own: str | None) -> dict[str, Any]:
    common.check_quantities(config)
    name = config["Name"]
    if not _NAME.fullmatch(name):
        raise invalid(f"The parameter Name is invalid: {name[:128]}")
    if len(config.get("Comment") or "") > 128:
        raise invalid("The parameter Comment is too long.")
    for id_, each in state(call).policies[kind.key].items(scope(call)):
        if id_ != own and each["config"]["Name"] == name:
            raise kind.error(
                "AlreadyExists",
                f"A {kind.words} with this name already exists. You must provide a unique name.",
                409,
            )
    if kind is CACHE:
        return _cache_config(config)
    if kind is ORIGIN_REQUEST:
        _check_choices(kind, config)
    else:
        _check_response_headers(config)
    return {"Comment": "", **config}


def _cache_config(config: dict[str, Any]) -> dict[str, Any]:
    """With AWS's defaults; https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicyConfig.html."""
    low = config["MinTTL"]
    usual = config.get("DefaultTTL", max(86400, low))
    high = config.get("MaxTTL", max(31536000, usual))
    if not 0 <= low <= usual <= high <= 3153600000:
        raise invalid("The parameters MinTTL, DefaultTTL and MaxTTL must be in ascending order.")
    keyed = config.get("ParametersInCacheKeyAndForwardedToOrigin") or {
        "EnableAcceptEncodingGzip": False,
        "EnableAcceptEncodingBrotli": False,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    _check_choices(CACHE, keyed)
    if high == 0 and _keys_something(keyed):
        # As AWS words it for a policy that turns caching off and yet has a key.
        raise invalid(
            "The parameter HeaderBehavior, CookieBehavior, QueryStringBehavior, EnableAcceptEncodingGzip or"
            " EnableAcceptEncodingBrotli is invalid for policy with caching disabled."
        )
    return {
        "Comment": "", **config, "DefaultTTL": usual, "MaxTTL": high,
        "ParametersInCacheKeyAndForwardedToOrigin": {"EnableAcceptEncodingBrotli": False, **keyed},
    }  # fmt: skip


def _keys_something(keyed: dict[str, Any]) -> bool:
    return (
        keyed["EnableAcceptEncodingGzip"]
        or bool(keyed.get("EnableAcceptEncodingBrotli"))
        or keyed["HeadersConfig"]["HeaderBehavior"] != "none"
        or keyed["CookiesConfig"]["CookieBehavior"] != "none"
        or keyed["QueryStringsConfig"]["QueryStringBehavior"] != "none"
    )


_CHOICES = (
    ("HeadersConfig", "HeaderBehavior", "Headers", "Headers"),
    ("CookiesConfig", "CookieBehavior", "Cookies", "Cookies"),
    ("QueryStringsConfig", "QueryStringBehavior", "QueryStrings", "QueryStrings"),
)
_NAMED = frozenset({"whitelist", "allExcept"})


def _check_choices(kind: Kind, config: dict[str, Any]) -> None:
    """A list of names is there exactly where the behaviour needs one; ten names at the most."""
    for member, behavior, listed, plural in _CHOICES:
        chosen = config[member]
        given = items(chosen.get(listed))
        needs = chosen[behavior] in _NAMED
        allowed = needs or chosen[behavior] == "allViewerAndWhitelistCloudFront"
        if needs and not given:
            raise invalid(f"The parameter {listed} is required when {behavior} is {chosen[behavior]}.")
        if given and not allowed:
            raise invalid(f"The parameter {listed} is not allowed when {behavior} is {chosen[behavior]}.")
        if len(given) > 10:
            raise AwsError(
                f"TooMany{plural}In{kind.noun}", f"The number of {listed} exceeds the maximum of 10."
            )


def _check_response_headers(config: dict[str, Any]) -> None:
    for each in items(config.get("CustomHeadersConfig")):
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", each["Header"]):
            raise invalid(f"The parameter Header contains {each['Header']} that is not valid.")
        if "\r" in each["Value"] or "\n" in each["Value"]:
            raise invalid("The parameter Value contains characters that are not valid.")
    if len(items(config.get("CustomHeadersConfig"))) > 10:
        raise AwsError(
            "TooManyCustomHeadersInResponseHeadersPolicy",
            "The number of custom headers in the response headers policy exceeds the maximum.",
        )
    if len(items(config.get("RemoveHeadersConfig"))) > 10:
        raise AwsError(
            "TooManyRemoveHeadersInResponseHeadersPolicy",
            "The number of headers in RemoveHeadersConfig exceeds the maximum.",
        )
    cors = config.get("CorsConfig")
    if cors and cors["AccessControlAllowCredentials"]:
        for member in ("AccessControlAllowOrigins", "AccessControlAllowHeaders", "AccessControlAllowMethods"):
            if {"*", "ALL"} & set(items(cors[member])):
                raise invalid(
                    f"The parameter {member} cannot be * when AccessControlAllowCredentials is true."
                )
