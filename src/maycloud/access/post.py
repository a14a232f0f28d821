"""Signatures of browsers' forms: of the form's policy, by fields of the form.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-authentication-HTTPPOST.html
"""

import base64
import hmac
import re

from maycloud.access import failures, s3faults, sigv4
from maycloud.access.identities import Credential, Identities
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.store import Clock

# In the order that S3 misses them, spelled as it spells them.
_SIGV4 = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
_DAY = re.compile(r"[0-9]{8}")
_SIGV2 = ("AWSAccessKeyId", "Signature")


def authenticate(identities: Identities, clock: Clock, fields: dict[str, str]) -> Principal | None:
    """Who signed the form, None for one that nobody claims to have signed. `fields` by lower-case name.

    The signature is of the policy as sent, which is not decoded before. Raises S3's refusals.
    """
    if any(name.lower() in fields for name in _SIGV4):
        _require(fields, (*_SIGV4, "policy"))
        if fields["x-amz-algorithm"] != sigv4.ALGORITHM:
            raise _wrong('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"', "X-Amz-Algorithm", fields)
        scope = fields["x-amz-credential"].split("/")
        if (
            len(scope) < 5
            or scope[-1] != "aws4_request"
            or scope[-2] != "s3"
            or not _DAY.fullmatch(scope[-4])
        ):
            raise _wrong(s3faults.of_scope(scope), "X-Amz-Credential", fields)
        if not re.fullmatch(r"\d{8}T\d{6}Z", fields["x-amz-date"]):
            raise _wrong("X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", fields)
        credential = _credential(identities, clock, "/".join(scope[:-4]), fields)
        key = sigv4.signing_key(credential.secret, scope[-4], scope[-3], scope[-2])
        expected = hmac.digest(key, fields["policy"].encode(), "sha256").hex()
        return _compare(credential, expected, fields["x-amz-signature"], fields, "/".join(scope[:-4]))
    if any(name.lower() in fields for name in _SIGV2):
        _require(fields, (*_SIGV2, "policy"))
        access_key = fields["awsaccesskeyid"]
        credential = _credential(identities, clock, access_key, fields)
        digest = hmac.digest(credential.secret.encode(), fields["policy"].encode(), "sha1")
        return _compare(
            credential, base64.b64encode(digest).decode(), fields["signature"], fields, access_key
        )
    return None


def _require(fields: dict[str, str], names: tuple[str, ...]) -> None:
    for name in names:
        if name.lower() not in fields:
            raise missing_field(name)


def missing_field(name: str) -> AwsError:
    return AwsError(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the"
        " fields.",
        ArgumentName=name,
        ArgumentValue="",
    )


def _wrong(message: str, name: str, fields: dict[str, str]) -> AwsError:
    return AwsError("InvalidArgument", message, ArgumentName=name, ArgumentValue=fields[name.lower()][:256])


def _credential(identities: Identities, clock: Clock, access_key: str, fields: dict[str, str]) -> Credential:
    credential = identities.credential(access_key)
    if credential is None or not credential.active:
        raise failures.unknown_key("s3", access_key)
    if credential.token is not None:
        sent = fields.get("x-amz-security-token", "")
        if not hmac.compare_digest(credential.token.encode(), sent.encode()):
            raise failures.bad_token("s3")
        if credential.expires is not None and credential.expires <= clock.time():
            raise failures.expired_token("s3")
    return credential


def _compare(
    credential: Credential, expected: str, sent: str, fields: dict[str, str], access_key: str
) -> Principal:
    if hmac.compare_digest(expected.encode(), sent.encode()):
        return credential.principal
    error = failures.mismatch("s3", access_key)
    policy = fields["policy"]
    error.members |= {
        "StringToSign": policy,
        "SignatureProvided": sent,
        "StringToSignBytes": policy.encode().hex(" "),
    }
    raise error
