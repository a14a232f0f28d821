"""Errors as DAX sends them: a sequence of numbers, a message, and what DynamoDB said."""

from typing import Any

from maycloud.errors import AwsError
from maycloud.services.dax import cbor

_DYNAMODB = (4, 37, 38, 39)
CODES: dict[str, tuple[int, ...]] = {
    "ProvisionedThroughputExceededException": (*_DYNAMODB, 40),
    "ResourceNotFoundException": (*_DYNAMODB, 41),
    "AccessDeniedException": (4, 37, 38, 42),
    "ConditionalCheckFailedException": (*_DYNAMODB, 43),
    "ResourceInUseException": (*_DYNAMODB, 45),
    "ValidationException": (*_DYNAMODB, 46),
    "InternalServerError": (*_DYNAMODB, 47),
    "ItemCollectionSizeLimitExceededException": (*_DYNAMODB, 48),
    "LimitExceededException": (*_DYNAMODB, 49),
    "ThrottlingException": (*_DYNAMODB, 50),
    "TransactionCanceledException": (*_DYNAMODB, 58),
    "RequestLimitExceeded": (*_DYNAMODB, 61),
    # The connection is of no use any more: clients open another and sign again.
    "MissingAuthenticationTokenException": (4, 23, 31, 33),
    "UnrecognizedClientException": (4, 23, 31, 32),
    "InvalidSignatureException": (4, 23, 31, 32),
    "ExpiredTokenException": (4, 23, 31, 32),
    "IncompleteSignatureException": (4, 23, 31, 32),
    "InternalFailure": (3, 37, 54),
}
# For codes without numbers of their own clients take DynamoDB's name of the error.
_OTHER = (*_DYNAMODB, 59)


def encode(error: AwsError, request_id: str, items: list[bytes | None] | None = None) -> bytes:
    """`items` are a cancelled transaction's, in the form of answers."""
    out = bytearray()
    codes = CODES.get(error.code, _OTHER)
    cbor.head(out, 4, len(codes))
    for code in codes:
        cbor.integer(out, code)
    cbor.text(out, error.message)
    reasons: list[dict[str, Any]] = error.members.get("CancellationReasons", [])
    cbor.head(out, 4, 4 if reasons else 3)
    cbor.text(out, request_id)
    cbor.text(out, error.code)
    cbor.integer(out, error.status)
    if reasons:
        cbor.head(out, 4, 3 * len(reasons))
        for reason, item in zip(reasons, items or [None] * len(reasons), strict=True):
            cbor.text(out, reason["Code"])
            if "Message" in reason:
                cbor.text(out, reason["Message"])
            else:
                cbor.null(out)
            if item is None:
                cbor.null(out)
            else:
                cbor.blob(out, item)
    return bytes(out)
