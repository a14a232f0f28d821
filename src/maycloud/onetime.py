"""One-time passwords of authenticator apps: RFC 6238 with SHA-1 and six digits."""

import base64
import hmac
import os
import struct

STEP = 30  # seconds
SECRET_SIZE = 32  # bytes


def new_secret() -> str:
    """A shared secret in base32."""
    return base64.b32encode(os.urandom(SECRET_SIZE)).decode().rstrip("=")


def totp(secret: str, step: int) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step that a code is of, one before and one after now included."""
    current = int(now // STEP)
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp(secret, step).encode(), code.encode()):
            found = step
    return found
