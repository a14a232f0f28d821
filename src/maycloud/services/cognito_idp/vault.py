"""What must not lie in the clear is sealed with a key of the data folder."""

import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "cognito.key"


class Vault:
    """AES-256-GCM under a key that is made when first needed, readable by its owner alone.

    `name` says what is sealed and is bound to it, so that a value cannot be moved to another place.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_FILE
        self._cipher: AESGCM | None = None
        self._raw = b""

    def mac(self, name: str, value: str) -> bytes:
        """A keyed hash: for what is too short for a plain one, such as codes of six digits."""
        self._key()
        return hmac.digest(self._raw, f"{name}\0{value}".encode(), "sha256")

    def seal(self, name: str, value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._key().encrypt(nonce, value, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        return self._key().decrypt(sealed[:12], sealed[12:], name.encode())

    def _key(self) -> AESGCM:
        if self._cipher is None:
            if not self._path.exists():
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(AESGCM.generate_key(256))
                    file.flush()
                    os.fsync(file.fileno())
            self._raw = self._path.read_bytes()
            self._cipher = AESGCM(self._raw)
        return self._cipher
