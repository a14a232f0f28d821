"""Server certificates, as load balancers take them from IAM.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html
"""

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509 import Certificate

from maycloud.access.identities import new_id
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.iam.certificates import public_key, read_certificates
from maycloud.services.iam.common import (
    check_name,
    check_tag_count,
    limit_exceeded,
    page,
    path_of,
    scope,
    tag_list,
    tags_of,
)
from maycloud.services.iam.common import moment as moment_of
from maycloud.store import Document, Documents

MAX_CERTIFICATES = 20


def certificates(call: Call) -> Documents:
    return call.store.documents("iam.serverCertificates")


def certificate_arn(call: Call, params: Params) -> str:
    name = params.get("ServerCertificateName", "*")
    found = certificates(call).get(scope(call), name)
    path = params.get("Path", "/")
    return found["Arn"] if found else f"arn:aws:iam::{call.account}:server-certificate{path}{name}"


def _find(call: Call, params: Params) -> Document:
    name = params["ServerCertificateName"]
    found = certificates(call).get(scope(call), name)
    if found is None:
        raise AwsError("NoSuchEntity", f"The Server Certificate with name {name} cannot be found.", 404)
    return found


def _save(call: Call, row: Document) -> None:
    certificates(call).put(scope(call), row["Name"], row)


def _metadata(row: Document) -> dict[str, Any]:
    return {
        "Path": row["Path"],
        "ServerCertificateName": row["Name"],
        "ServerCertificateId": row["Id"],
        "Arn": row["Arn"],
        "UploadDate": moment_of(row["Created"]),
        "Expiration": moment_of(row["Expires"]),
    }


def _read(params: Params) -> Certificate:
    """The certificate, whose key must be the given one and whose chain must be certificates."""
    words = "Unable to parse {}. Please ensure the {} is in PEM format."
    certificate = read_certificates(params["CertificateBody"], words.format("certificate", "certificate"))[0]
    if params.get("CertificateChain"):
        read_certificates(params["CertificateChain"], words.format("certificate chain", "chain"))
    try:
        key = load_pem_private_key(params["PrivateKey"].encode(), None).public_key()
        matches = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public_key(certificate)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AwsError("MalformedCertificate", words.format("private key", "key")) from error
    if not matches:
        raise AwsError("KeyPairMismatch", "The private key does not match the certificate.")
    return certificate


def upload_server_certificate(call: Call, params: Params) -> Result:
    """The private key is checked and, since nothing here could use it, forgotten."""
    name, path = params["ServerCertificateName"], path_of(params)
    check_name("serverCertificateName", name, 128)
    certificate = _read(params)
    if certificates(call).get(scope(call), name) is not None:
        raise AwsError("EntityAlreadyExists", f"The Server Certificate with name {name} already exists.", 409)
    if len(certificates(call).items(scope(call))) >= MAX_CERTIFICATES:
        raise limit_exceeded("ServerCertificatesPerAccount", MAX_CERTIFICATES)
    row: Document = {
        "Name": name,
        "Path": path,
        "Id": new_id("ASCA"),
        "Arn": f"arn:aws:iam::{call.account}:server-certificate{path}{name}",
        "Created": call.now(),
        "Expires": certificate.not_valid_after_utc.timestamp(),
        "Body": params["CertificateBody"],
        "Chain": params.get("CertificateChain"),
        "Tags": tags_of(params),
    }
    _save(call, row)
    return {"ServerCertificateMetadata": _metadata(row), **_told_tags(row)}


def _told_tags(row: Document) -> dict[str, Any]:
    return {"Tags": tag_list(row)} if row["Tags"] else {}


def get_server_certificate(call: Call, params: Params) -> Result:
    row = _find(call, params)
    told = {
        "ServerCertificateMetadata": _metadata(row),
        "CertificateBody": row["Body"],
        **({"CertificateChain": row["Chain"]} if row["Chain"] else {}),
        **_told_tags(row),
    }
    return {"ServerCertificate": told}


def list_server_certificates(call: Call, params: Params) -> Result:
    prefix = params.get("PathPrefix", "/")
    rows = [
        _metadata(row) for _, row in certificates(call).items(scope(call)) if row["Path"].startswith(prefix)
    ]
    return page(rows, params, "ServerCertificateMetadataList")


def update_server_certificate(call: Call, params: Params) -> Result:
    row = _find(call, params)
    name = params.get("NewServerCertificateName", row["Name"])
    path = path_of({"Path": params.get("NewPath", row["Path"])})
    if name != row["Name"]:
        check_name("newServerCertificateName", name, 128)
        if certificates(call).get(scope(call), name) is not None:
            raise AwsError(
                "EntityAlreadyExists", f"The Server Certificate with name {name} already exists.", 409
            )
        certificates(call).delete(scope(call), row["Name"])
    arn = f"arn:aws:iam::{call.account}:server-certificate{path}{name}"
    _save(call, row | {"Name": name, "Path": path, "Arn": arn})
    return None


def delete_server_certificate(call: Call, params: Params) -> Result:
    certificates(call).delete(scope(call), _find(call, params)["Name"])
    return None


def tag_server_certificate(call: Call, params: Params) -> Result:
    row = _find(call, params)
    tags = {**row["Tags"], **tags_of(params)}
    check_tag_count(tags)
    _save(call, row | {"Tags": tags})
    return None


def untag_server_certificate(call: Call, params: Params) -> Result:
    row = _find(call, params)
    tags = {key: value for key, value in row["Tags"].items() if key not in params["TagKeys"]}
    _save(call, row | {"Tags": tags})
    return None


def list_server_certificate_tags(call: Call, params: Params) -> Result:
    return page(tag_list(_find(call, params)), params, "Tags")
