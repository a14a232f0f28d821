"""Refusals of authentication, as each family of protocols words them."""

from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError


class AccessDeniedError(AwsError):
    """A refusal by policy; `reason` is AWS's clause of why."""

    def __init__(self, message: str, reason: str, family_code: str = "AccessDeniedException") -> None:
        super().__init__(family_code, message, 403)
        self.reason = reason


_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
    " Access Key and signing method. Consult the service documentation for details."
)


def _by_family(family: str, query: str, other: str, message: str) -> AwsError:
    if family == "query":
        return AwsError(query, message, 403)
    return AwsError(other, message, 403 if family == "rest-json" else 400)


def missing_token(family: str) -> AwsError:
    if family == "s3":
        return AwsError("AccessDenied", "Access Denied", 403)
    if family == "rest-json":
        return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    return _by_family(
        family,
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "Request is missing Authentication Token",
    )


def incomplete(family: str, message: str, *, presigned: bool) -> AwsError:
    if family == "s3":
        code = "AuthorizationQueryParametersError" if presigned else "AuthorizationHeaderMalformed"
        return AwsError(code, message, 400)
    return AwsError(
        "IncompleteSignature" if family == "query" else "IncompleteSignatureException", message, 400
    )


def no_date() -> AwsError:
    return AwsError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)


def unsupported_type(authorization: str) -> AwsError:
    return AwsError(
        "InvalidArgument",
        "Unsupported Authorization Type",
        ArgumentName="Authorization",
        ArgumentValue=authorization[:256],
    )


def missing_parameter() -> AwsError:
    """Of a presigned URL of version 2."""
    return AwsError(
        "AccessDenied",
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        403,
    )


def no_version2(authorization: str) -> AwsError:
    """Of a header of Signature Version 2 that is none."""
    return AwsError(
        "InvalidArgument",
        "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
        ArgumentName="Authorization",
        ArgumentValue=authorization[:256],
    )


def no_hash(given: str) -> AwsError:
    """Of x-amz-content-sha256, worded as others got it from AWS: versity/versitygw#1352."""
    return AwsError(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
        " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER,"
        " STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a"
        " valid sha256 value.",
        ArgumentName="x-amz-content-sha256",
        ArgumentValue=given[:256],
    )


def unknown_key(family: str, access_key: str) -> AwsError:
    if family == "s3":
        return AwsError(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            403,
            AWSAccessKeyId=access_key[:128],
        )
    return _by_family(
        family,
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def bad_token(family: str) -> AwsError:
    if family == "s3":
        return AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    return unknown_key(family, "")


def expired_token(family: str) -> AwsError:
    if family == "s3":
        return AwsError("ExpiredToken", "The provided token has expired.", 400)
    return _by_family(
        family,
        "ExpiredToken",
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )


def mismatch(
    family: str, access_key: str, signature: str = "", to_sign: str = "", canonical: str = ""
) -> AwsError:
    """S3 repeats what it compared, which is all of the sender's own making."""
    if family == "s3":
        return AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key"
            " and signing method.",
            403,
            AWSAccessKeyId=access_key[:128],
            StringToSign=to_sign,
            SignatureProvided=signature[:128],
            StringToSignBytes=to_sign.encode().hex(" "),
            **(
                {"CanonicalRequest": canonical, "CanonicalRequestBytes": canonical.encode().hex(" ")}
                if canonical
                else {}
            ),
        )
    return invalid_signature(family, _MISMATCH)


def invalid_signature(family: str, message: str) -> AwsError:
    return _by_family(family, "SignatureDoesNotMatch", "InvalidSignatureException", message)


def wrong_service(family: str, service: str) -> AwsError:
    message = f"Credential should be scoped to correct service: '{service}'."
    return invalid_signature(family, message)


def skewed(family: str, moment: str, now: str, bound: str, *, late: bool) -> AwsError:
    """`bound` is the limit that the signing time broke, five minutes from `now`."""
    if family == "s3":
        return AwsError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            403,
            RequestTime=moment,
            ServerTime=now,
            MaxAllowedSkewMilliseconds=900000,
        )
    if late:
        text = f"Signature expired: {moment} is now earlier than {bound} ({now} - 5 min.)"
    else:
        text = f"Signature not yet current: {moment} is still later than {bound} ({now} + 5 min.)"
    return invalid_signature(family, text)


def expired_url(family: str, end: float, now: float, expires: int | None = None) -> AwsError:
    """`end` and `now` in epoch seconds; `expires` is the life of a URL of version 4, in seconds."""
    if family == "s3":
        life: dict[str, Any] = {} if expires is None else {"X-Amz-Expires": expires}
        return AwsError(
            "AccessDenied", "Request has expired", 403, **life, Expires=_iso(end), ServerTime=_iso(now)
        )
    return invalid_signature(family, "Signature expired")


def unsigned_headers(names: list[str]) -> AwsError:
    return AwsError(
        "AccessDenied",
        "There were headers present in the request which were not signed",
        403,
        HeadersNotSigned=", ".join(names),
    )


def foreign_site(family: str) -> AwsError:
    """Not AWS's: nobody knows a key there."""
    return _by_family(
        family,
        "AccessDenied",
        "AccessDeniedException",
        "The administrator's key has the secret that everyone knows: it is not taken from pages of other"
        " sites, nor under host names that others may own. Use localhost, temporary credentials, or"
        " `may up --admin-secret`.",
    )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
