"""Secrets at rest: sealed with a key that is a file of the data folder, not of the database."""

import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Sealer:
    """Seals texts with the key in `path`, which is made when first needed, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cipher: AESGCM | None = None

    def seal(self, name: str, value: str) -> str:
        """A value as it is kept: bound to its owner's name, so that it cannot be moved to another."""
        nonce = os.urandom(12)
        return b64encode(nonce + self._key().encrypt(nonce, value.encode(), name.encode())).decode()

    def open(self, name: str, sealed: str) -> str:
        raw = b64decode(sealed)
        return self._key().decrypt(raw[:12], raw[12:], name.encode()).decode()

    def _key(self) -> AESGCM:
        if self._cipher is None:
            if not self._path.exists():
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(AESGCM.generate_key(256))
                    file.flush()
                    os.fsync(file.fileno())
            self._cipher = AESGCM(self._path.read_bytes())
        return self._cipher
