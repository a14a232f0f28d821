"""Identity providers that an account trusts: OpenID Connect and SAML.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html
"""

import re
from datetime import datetime
from typing import Any

from maycloud.access.identities import new_id
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.common import (
    check_tag_count,
    identities,
    limit_exceeded,
    moment,
    page,
    scope,
    tag_list,
    tags_of,
)
from maycloud.store import Document, Documents
from maycloud.wire import xml

MAX_CLIENTS = 100
MAX_THUMBPRINTS = 5
_URL = re.compile(r"https://([A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[^\s?#]*)?)(?:\?[^\s#]*)?")
YEARS = 100 * 365 * 86_400  # how long metadata holds that says nothing of it


def oidc_providers(call: Call) -> Documents:
    return identities(call).oidc_providers


def saml_providers(call: Call) -> Documents:
    return call.store.documents("iam.samlProviders")


def oidc_arn(call: Call, params: Params) -> str:
    url = params.get("Url", "*").partition("://")[2] or "*"
    return params.get("OpenIDConnectProviderArn") or f"arn:aws:iam::{call.account}:oidc-provider/{url}"


def saml_arn(call: Call, params: Params) -> str:
    name = params.get("Name", "*")
    return params.get("SAMLProviderArn") or f"arn:aws:iam::{call.account}:saml-provider/{name}"


def _oidc(call: Call, params: Params) -> Document:
    arn = params["OpenIDConnectProviderArn"]
    found = oidc_providers(call).get(scope(call), arn)
    if found is None:
        raise AwsError("NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}", 404)
    return found


def _saml(call: Call, params: Params) -> Document:
    arn = params["SAMLProviderArn"]
    found = saml_providers(call).get(scope(call), arn)
    if found is None:
        raise AwsError("NoSuchEntity", f"Manifest not found for arn {arn}", 404)
    return found


# OpenID Connect


def _check_thumbprints(thumbprints: list[str]) -> None:
    if len(thumbprints) > MAX_THUMBPRINTS:
        raise AwsError("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")


def _check_clients(clients: list[str]) -> None:
    if len(clients) > MAX_CLIENTS:
        raise limit_exceeded("ClientIdsPerOpenIdConnectProvider", MAX_CLIENTS)


def create_open_id_connect_provider(call: Call, params: Params) -> Result:
    url = params["Url"]
    match = _URL.fullmatch(url)
    if match is None:
        raise AwsError("ValidationError", "Invalid Open ID Connect Provider URL")
    clients, thumbprints = params.get("ClientIDList", []), params.get("ThumbprintList", [])
    _check_thumbprints(thumbprints)
    _check_clients(clients)
    name = match[1].rstrip("/")
    arn = f"arn:aws:iam::{call.account}:oidc-provider/{name}"
    if oidc_providers(call).get(scope(call), arn) is not None:
        raise AwsError("EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
    provider: Document = {
        "Arn": arn,
        "Url": name,
        "Clients": list(dict.fromkeys(clients)),
        "Thumbprints": thumbprints,
        "Created": call.now(),
        "Tags": tags_of(params),
    }
    oidc_providers(call).put(scope(call), arn, provider)
    return {"OpenIDConnectProviderArn": arn, **_told_tags(provider)}


def _told_tags(holder: Document) -> dict[str, Any]:
    return {"Tags": tag_list(holder)} if holder.get("Tags") else {}


def get_open_id_connect_provider(call: Call, params: Params) -> Result:
    provider = _oidc(call, params)
    return {
        "Url": provider["Url"],
        "ClientIDList": provider["Clients"],
        "ThumbprintList": provider["Thumbprints"],
        "CreateDate": moment(provider["Created"]),
        **_told_tags(provider),
    }


def list_open_id_connect_providers(call: Call, _params: Params) -> Result:
    rows = [{"Arn": arn} for arn, _ in oidc_providers(call).items(scope(call))]
    return {"OpenIDConnectProviderList": rows}


def delete_open_id_connect_provider(call: Call, params: Params) -> Result:
    """One that is not there is no error."""
    oidc_providers(call).delete(scope(call), params["OpenIDConnectProviderArn"])
    return None


def _save_oidc(call: Call, provider: Document) -> None:
    oidc_providers(call).put(scope(call), provider["Arn"], provider)


def update_open_id_connect_provider_thumbprint(call: Call, params: Params) -> Result:
    provider = _oidc(call, params)
    _check_thumbprints(params["ThumbprintList"])
    _save_oidc(call, provider | {"Thumbprints": params["ThumbprintList"]})
    return None


def add_client_id_to_open_id_connect_provider(call: Call, params: Params) -> Result:
    """One that is there already is no error, nor is taking away one that is not."""
    provider = _oidc(call, params)
    clients = list(dict.fromkeys([*provider["Clients"], params["ClientID"]]))
    _check_clients(clients)
    _save_oidc(call, provider | {"Clients": clients})
    return None


def remove_client_id_from_open_id_connect_provider(call: Call, params: Params) -> Result:
    provider = _oidc(call, params)
    clients = [client for client in provider["Clients"] if client != params["ClientID"]]
    _save_oidc(call, provider | {"Clients": clients})
    return None


def tag_open_id_connect_provider(call: Call, params: Params) -> Result:
    _save_oidc(call, _tagged(_oidc(call, params), params))
    return None


def untag_open_id_connect_provider(call: Call, params: Params) -> Result:
    _save_oidc(call, _untagged(_oidc(call, params), params))
    return None


def list_open_id_connect_provider_tags(call: Call, params: Params) -> Result:
    return page(tag_list(_oidc(call, params)), params, "Tags")


def _tagged(holder: Document, params: Params) -> Document:
    tags = {**holder["Tags"], **tags_of(params)}
    check_tag_count(tags)
    return holder | {"Tags": tags}


def _untagged(holder: Document, params: Params) -> Document:
    tags = {key: value for key, value in holder["Tags"].items() if key not in params["TagKeys"]}
    return holder | {"Tags": tags}


# SAML


def _valid_until(metadata: str, now: float) -> float:
    """When metadata ends. Raises InvalidInput for what describes no identity provider."""
    try:
        root = xml.parse(metadata.encode())
    except AwsError as error:
        raise AwsError("InvalidInput", "Could not parse metadata") from error
    if root.name != "EntityDescriptor" or root.child("IDPSSODescriptor") is None:
        raise AwsError("InvalidInput", "Could not parse metadata")
    until = root.attributes.get("validUntil")
    if until is None:
        return now + YEARS
    try:
        return max(0.0, datetime.fromisoformat(until).timestamp())
    except (ValueError, OverflowError) as error:
        raise AwsError("InvalidInput", "Could not parse metadata") from error


def create_saml_provider(call: Call, params: Params) -> Result:
    arn = saml_arn(call, params)
    if saml_providers(call).get(scope(call), arn) is not None:
        raise AwsError("EntityAlreadyExists", f"Provider with name {params['Name']} already exists.", 409)
    provider: Document = {
        "Arn": arn,
        "Id": new_id("SAMLP") + new_id("")[:10],
        "Metadata": params["SAMLMetadataDocument"],
        "Until": _valid_until(params["SAMLMetadataDocument"], call.now()),
        "Created": call.now(),
        "Tags": tags_of(params),
    }
    _refuse_encryption(params)
    saml_providers(call).put(scope(call), arn, provider)
    return {"SAMLProviderArn": arn, **_told_tags(provider)}


def _refuse_encryption(params: Params) -> None:
    """Assertions that are encrypted are not read here."""
    if params.get("AssertionEncryptionMode") == "Required" or "AddPrivateKey" in params:
        raise AwsError("InvalidInput", "Encrypted SAML assertions are not supported by Maycloud")


def get_saml_provider(call: Call, params: Params) -> Result:
    provider = _saml(call, params)
    return {
        "SAMLProviderUUID": provider["Id"],
        "SAMLMetadataDocument": provider["Metadata"],
        "CreateDate": moment(provider["Created"]),
        "ValidUntil": moment(provider["Until"]),
        **_told_tags(provider),
    }


def list_saml_providers(call: Call, _params: Params) -> Result:
    rows = [
        {"Arn": arn, "ValidUntil": moment(provider["Until"]), "CreateDate": moment(provider["Created"])}
        for arn, provider in saml_providers(call).items(scope(call))
    ]
    return {"SAMLProviderList": rows}


def _save_saml(call: Call, provider: Document) -> None:
    saml_providers(call).put(scope(call), provider["Arn"], provider)


def update_saml_provider(call: Call, params: Params) -> Result:
    provider = _saml(call, params)
    _refuse_encryption(params)
    metadata = params.get("SAMLMetadataDocument")
    if metadata is not None:
        provider = provider | {"Metadata": metadata, "Until": _valid_until(metadata, call.now())}
    _save_saml(call, provider)
    return {"SAMLProviderArn": provider["Arn"]}


def delete_saml_provider(call: Call, params: Params) -> Result:
    saml_providers(call).delete(scope(call), _saml(call, params)["Arn"])
    return None


def tag_saml_provider(call: Call, params: Params) -> Result:
    _save_saml(call, _tagged(_saml(call, params), params))
    return None


def untag_saml_provider(call: Call, params: Params) -> Result:
    _save_saml(call, _untagged(_saml(call, params), params))
    return None


def list_saml_provider_tags(call: Call, params: Params) -> Result:
    return page(tag_list(_saml(call, params)), params, "Tags")
