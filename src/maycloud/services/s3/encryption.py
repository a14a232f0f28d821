"""Server-side encryption: S3's own, and with a key that the customer sends along (SSE-C).

A body under a customer's key is a salt of 16 bytes, then segments of 64 KiB, each sealed with AES-256-GCM
(16 bytes more) under a key made of the customer's and the salt. The nonce is the segment's number and whether
it is the last, so segments cannot be moved, and a range is read without what comes before. Of the key only
its MD5 is kept.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maycloud.errors import AwsError
from maycloud.services.base import Call, Params
from maycloud.services.s3.buckets import blocked_types, encryption_of
from maycloud.services.s3.store import Bucket

SEGMENT = 64 * 1024
_SALT, _TAG = 16, 16


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key of the request's: 32 bytes, and the MD5 (base64) that answers name it by."""

    key: bytes
    md5: str

    @property
    def headers(self) -> dict[str, str]:
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKeyMD5": self.md5}


def _invalid(message: str, name: str, value: str | None = None) -> AwsError:
    members: dict[str, Any] = {"ArgumentName": f"x-amz-server-side-encryption{name}"}
    if value is not None:
        members["ArgumentValue"] = value
    return AwsError("InvalidArgument", message, **members)


def customer_key(params: Params, *, secure: bool, source: str = "") -> CustomerKey | None:
    """The customer's key in a request; `source` is ``CopySource`` for that of what is copied."""
    algorithm = params.get(f"{source}SSECustomerAlgorithm")
    text = params.get(f"{source}SSECustomerKey")
    md5 = params.get(f"{source}SSECustomerKeyMD5")
    if algorithm is None and text is None and md5 is None:
        return None
    begin = "Requests specifying Server Side Encryption with Customer provided keys must"
    if not secure:
        raise AwsError("InvalidRequest", f"{begin} be made over a secure connection.")
    if algorithm is None:
        raise _invalid(f"{begin} provide a valid encryption algorithm.", "-customer-algorithm")
    if algorithm != "AES256":
        raise AwsError(
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. The valid value is AES256.",
            ArgumentName="x-amz-server-side-encryption-customer-algorithm",
            ArgumentValue=algorithm,
        )
    if text is None:
        raise _invalid(f"{begin} provide an appropriate secret key.", "-customer-key")
    if md5 is None:
        raise _invalid(f"{begin} provide the client calculated MD5 of the secret key.", "-customer-key-MD5")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != 32:
        raise _invalid("The secret key was invalid for the specified algorithm.", "-customer-key")
    found = base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode()
    if not hmac.compare_digest(found.encode(), md5.encode()):
        raise _invalid(
            "The calculated MD5 hash of the key did not match the hash that was provided.",
            "-customer-key-MD5",
        )
    return CustomerKey(key, found)


def _check_blocked(call: Call, bucket: Bucket, params: Params) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html"""
    if "SSE-C" in blocked_types(bucket):
        raise AwsError(
            "AccessDenied",
            f"User: {call.principal.arn} is not authorized to perform: s3:PutObject on resource:"
            f' "{bucket.arn}/{params["Key"]}" because this bucket has blocked upload requests that specify'
            " Server Side Encryption with Customer provided keys (SSE-C). Please specify a different"
            " server-side encryption type",
            403,
        )


def headers_for(call: Call, bucket: Bucket, params: Params, key: CustomerKey | None) -> dict[str, Any]:
    """What answers say of a new object's encryption. Raises AWS's errors for what is not to be had."""
    asked = params.get("ServerSideEncryption")
    if key is not None:
        if asked is not None:
            raise _invalid(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method"
                " specified",
                "",
                asked,
            )
        _check_blocked(call, bucket, params)
        return key.headers
    managed = asked == "aws:kms" and params.get("SSEKMSKeyId") in (None, "alias/aws/s3")  # as for a bucket
    if not managed and (asked in ("aws:kms", "aws:kms:dsse") or params.get("SSEKMSKeyId") is not None):
        raise AwsError(
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
            501,
            Header="x-amz-server-side-encryption",
        )
    if asked not in (None, "AES256", "aws:kms"):
        raise _invalid("The encryption method specified is not supported", "", asked)
    return {"ServerSideEncryption": asked or encryption_of(bucket)}


def check_key(kept: str | None, key: CustomerKey | None) -> None:
    """Compare the key of a request with that of the object it asks for. `kept` is the MD5 of the latter."""
    if kept is None:
        if key is not None:
            raise AwsError("InvalidRequest", "The encryption parameters are not applicable to this object.")
        return
    if key is None:
        raise AwsError(
            "InvalidRequest",
            "The object was stored using a form of Server Side Encryption. The correct parameters must be"
            " provided to retrieve the object.",
        )
    if not hmac.compare_digest(kept.encode(), key.md5.encode()):
        raise AwsError("AccessDenied", "Access Denied", 403)


def _derived(key: CustomerKey, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key.key, b"maycloud sse-c" + salt, "sha256"))


def _nonce(segment: int, last: bool) -> bytes:
    return segment.to_bytes(8, "big") + (b"\0\0\0\1" if last else b"\0\0\0\0")


class Sealer:
    """Encrypts a body as it passes."""

    def __init__(self, key: CustomerKey) -> None:
        salt = os.urandom(_SALT)
        self._cipher = _derived(key, salt)
        self._segment = 0
        self._waiting = bytearray()
        self._out = salt

    def take(self, data: bytes) -> bytes:
        """What can be written now. The last segment waits, since it is sealed as such."""
        self._waiting += data
        out = [self._out]
        self._out = b""
        while len(self._waiting) > SEGMENT:
            out.append(self._seal(bytes(self._waiting[:SEGMENT]), last=False))
            del self._waiting[:SEGMENT]
        return b"".join(out)

    def end(self) -> bytes:
        return self._out + self._seal(bytes(self._waiting), last=True)

    def _seal(self, data: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._segment, last), data, None)
        self._segment += 1
        return sealed


def opened(
    read: Callable[[int, int], bytes], size: int, key: CustomerKey, start: int, length: int
) -> Iterator[bytes]:
    """The plain bytes of a stretch of a sealed body of `size`; `read(offset, length)` gives stored bytes."""
    cipher = _derived(key, read(0, _SALT))
    final = max(0, (size - 1) // SEGMENT)
    stop = start + length
    for segment in range(start // SEGMENT, max(0, stop - 1) // SEGMENT + 1 if length else 0):
        plain = min(SEGMENT, size - segment * SEGMENT)
        sealed = read(_SALT + segment * (SEGMENT + _TAG), plain + _TAG)
        try:
            data = cipher.decrypt(_nonce(segment, segment == final), sealed, None)
        except InvalidTag as error:
            raise EOFError("a body under a customer's key was damaged") from error
        begin = segment * SEGMENT
        yield data[max(0, start - begin) : min(SEGMENT, stop - begin)]
