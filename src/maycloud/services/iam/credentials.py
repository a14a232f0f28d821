"""What else a user may have: signing certificates, SSH public keys, credentials for one service.

Words of the errors as moto's tests/test_iam/test_iam_signing_certificates.py (verified against AWS) has them.
No service here takes any of these yet: they are kept for the tools that manage them.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)

from maycloud.access.identities import new_id, new_secret
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.attachments import USER
from maycloud.services.iam.certificates import read_certificates
from maycloud.services.iam.common import limit_exceeded, moment, page
from maycloud.services.iam.users import own_name
from maycloud.store import Document

MAX_CERTIFICATES = 2
MAX_SSH_KEYS = 5
MAX_SERVICE_CREDENTIALS = 2  # of a user and a service
SERVICES = ("codecommit.amazonaws.com", "cassandra.amazonaws.com", "bedrock.amazonaws.com")

Rows = dict[str, Document]


def _user(call: Call, params: Params) -> Document:
    return USER.find(call, {"UserName": own_name(call, params)})


def _save(call: Call, user: Document, kind: str, rows: Rows) -> None:
    USER.save(call, {"UserName": user["UserName"]}, user | {kind: rows})


def _find(user: Document, kind: str, key: str, label: str) -> Document:
    found = user.get(kind, {}).get(key)
    if found is None:
        raise AwsError("NoSuchEntity", f"The {label} with id {key} cannot be found.", 404)
    return found


def _updater(kind: str, member: str, label: str) -> Callable[[Call, Params], Result]:
    """Sets the status of one of a kind."""

    def update(call: Call, params: Params) -> Result:
        user, key = _user(call, params), params[member]
        found = _find(user, kind, key, label)
        _save(call, user, kind, user[kind] | {key: found | {"Status": params["Status"]}})
        return None

    return update


def _deleter(kind: str, member: str, label: str) -> Callable[[Call, Params], Result]:
    def delete(call: Call, params: Params) -> Result:
        user, key = _user(call, params), params[member]
        _find(user, kind, key, label)
        _save(call, user, kind, {each: row for each, row in user[kind].items() if each != key})
        return None

    return delete


# Signing certificates


def _certificate(user: Document, key: str, row: Document) -> dict[str, Any]:
    return {
        "UserName": user["UserName"],
        "CertificateId": key,
        "CertificateBody": row["Body"],
        "Status": row["Status"],
        "UploadDate": moment(row["Created"]),
    }


def upload_signing_certificate(call: Call, params: Params) -> Result:
    user, body = _user(call, params), params["CertificateBody"]
    read_certificates(body, "Certificate is malformed")
    rows: Rows = user.get("Certificates", {})
    if any(row["Body"] == body for row in rows.values()):
        raise AwsError("DuplicateCertificate", "Certificate already exists for this user.", 409)
    if len(rows) >= MAX_CERTIFICATES:
        raise limit_exceeded("CertificatesPerUser", MAX_CERTIFICATES)
    key = new_id("")[:15] + new_id("")
    row: Document = {"Body": body, "Status": "Active", "Created": call.now()}
    _save(call, user, "Certificates", rows | {key: row})
    return {"Certificate": _certificate(user, key, row)}


def list_signing_certificates(call: Call, params: Params) -> Result:
    user = _user(call, params)
    rows = [_certificate(user, key, row) for key, row in user.get("Certificates", {}).items()]
    return page(rows, params, "Certificates")


update_signing_certificate = _updater("Certificates", "CertificateId", "Certificate")
delete_signing_certificate = _deleter("Certificates", "CertificateId", "Certificate")


# SSH public keys


def _key(user: Document, key: str, row: Document, *, whole: bool = True) -> dict[str, Any]:
    told = {
        "UserName": user["UserName"],
        "SSHPublicKeyId": key,
        "Status": row["Status"],
        "UploadDate": moment(row["Created"]),
    }
    if whole:
        told |= {"Fingerprint": row["Fingerprint"], "SSHPublicKeyBody": row["Body"]}
    return told


def _load_key(body: str) -> RSAPublicKey:
    """An RSA key in SSH's form or in PEM's."""
    load = load_pem_public_key if body.lstrip().startswith("-----BEGIN") else load_ssh_public_key
    try:
        key = load(body.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AwsError("InvalidPublicKey", "The public key is malformed or invalid") from error
    if not isinstance(key, RSAPublicKey):
        raise AwsError("InvalidPublicKey", "The public key is malformed or invalid")
    return key


def upload_ssh_public_key(call: Call, params: Params) -> Result:
    user, body = _user(call, params), params["SSHPublicKeyBody"]
    der = _load_key(body).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    # As AWS shows fingerprints of keys that one imports: MD5 of the DER form.
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    fingerprint = ":".join(digest[at : at + 2] for at in range(0, 32, 2))
    rows: Rows = user.get("SSHPublicKeys", {})
    if any(row["Fingerprint"] == fingerprint for row in rows.values()):
        raise AwsError("DuplicateSSHPublicKey", "The SSH public key is already associated with the user")
    if len(rows) >= MAX_SSH_KEYS:
        raise limit_exceeded("SSHPublicKeysPerUser", MAX_SSH_KEYS)
    key = new_id("APKA")[:20]
    row: Document = {
        "Body": body, "Fingerprint": fingerprint, "Status": "Active", "Created": call.now(),
    }  # fmt: skip
    _save(call, user, "SSHPublicKeys", rows | {key: row})
    return {"SSHPublicKey": _key(user, key, row)}


def get_ssh_public_key(call: Call, params: Params) -> Result:
    user, key = _user(call, params), params["SSHPublicKeyId"]
    row = _find(user, "SSHPublicKeys", key, "Public Key")
    forms = {
        "SSH": (Encoding.OpenSSH, PublicFormat.OpenSSH),
        "PEM": (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }
    body = _load_key(row["Body"]).public_bytes(*forms[params["Encoding"]]).decode()
    return {"SSHPublicKey": _key(user, key, row | {"Body": body})}


def list_ssh_public_keys(call: Call, params: Params) -> Result:
    user = _user(call, params)
    rows = [_key(user, key, row, whole=False) for key, row in user.get("SSHPublicKeys", {}).items()]
    return page(rows, params, "SSHPublicKeys")


update_ssh_public_key = _updater("SSHPublicKeys", "SSHPublicKeyId", "Public Key")
delete_ssh_public_key = _deleter("SSHPublicKeys", "SSHPublicKeyId", "Public Key")


# Credentials for one service


_SPECIFIC = "Service Specific Credential"


def _credential(user: Document, key: str, row: Document, password: str | None = None) -> dict[str, Any]:
    told = {
        "UserName": user["UserName"],
        "ServiceSpecificCredentialId": key,
        "ServiceName": row["Service"],
        "ServiceUserName": row["Name"],
        "Status": row["Status"],
        "CreateDate": moment(row["Created"]),
    }
    if "Expires" in row:
        told["ExpirationDate"] = moment(row["Expires"])
    return told | ({"ServicePassword": password} if password is not None else {})


def _hash(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def create_service_specific_credential(call: Call, params: Params) -> Result:
    user, service = _user(call, params), params["ServiceName"]
    if service not in SERVICES:
        raise AwsError(
            "NotSupportedService",
            f"No such service {service} is supported for Service Specific Credentials",
            404,
        )
    rows: Rows = user.get("ServiceCredentials", {})
    held = [row for row in rows.values() if row["Service"] == service]
    if len(held) >= MAX_SERVICE_CREDENTIALS:
        raise limit_exceeded("ServiceSpecificCredentialsPerUser", MAX_SERVICE_CREDENTIALS)
    name = f"{user['UserName']}-at-{call.account}" if not held else f"{user['UserName']}+1-at-{call.account}"
    key, password = new_id("ACCA")[:21], new_secret()
    row: Document = {
        "Service": service, "Name": name, "Status": "Active", "Created": call.now(), "Hash": _hash(password),
    }  # fmt: skip
    if "CredentialAgeDays" in params:
        row["Expires"] = call.now() + params["CredentialAgeDays"] * 86_400
    _save(call, user, "ServiceCredentials", rows | {key: row})
    return {"ServiceSpecificCredential": _credential(user, key, row, password)}


def list_service_specific_credentials(call: Call, params: Params) -> Result:
    user = _user(call, params)
    rows = [
        _credential(user, key, row)
        for key, row in user.get("ServiceCredentials", {}).items()
        if params.get("ServiceName") in (None, row["Service"])
    ]
    return page(rows, params, "ServiceSpecificCredentials")


def reset_service_specific_credential(call: Call, params: Params) -> Result:
    user, key = _user(call, params), params["ServiceSpecificCredentialId"]
    password = new_secret()
    row = _find(user, "ServiceCredentials", key, _SPECIFIC) | {"Hash": _hash(password)}
    _save(call, user, "ServiceCredentials", user["ServiceCredentials"] | {key: row})
    return {"ServiceSpecificCredential": _credential(user, key, row, password)}


update_service_specific_credential = _updater("ServiceCredentials", "ServiceSpecificCredentialId", _SPECIFIC)
delete_service_specific_credential = _deleter("ServiceCredentials", "ServiceSpecificCredentialId", _SPECIFIC)
