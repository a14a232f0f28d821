"""Secrets at rest: sealed with a key that is a file of the data folder, not of the database."""

import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maycloud.store.blobs import sync_folder


class KeyFile:
    """A key of 256 bits in a file, made when first needed, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = b""
        self._cipher: AESGCM | None = None

    @property
    def raw(self) -> bytes:
        if not self._raw:
            if not self._path.exists():
                self._make()
            self._raw = self._path.read_bytes()
        return self._raw

    @property
    def cipher(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(self.raw)
        return self._cipher

    def _make(self) -> None:
        """Whole or not at all: half a key would open nothing for ever."""
        partial = self._path.with_suffix(".part")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(AESGCM.generate_key(256))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._path)
        sync_folder(self._path.parent)


class Sealer:
    """Seals texts with the key in `path`."""

    def __init__(self, path: Path) -> None:
        self._key = KeyFile(path)

    def seal(self, name: str, value: str) -> str:
        """A value as it is kept: bound to its owner's name, so that it cannot be moved to another."""
        nonce = os.urandom(12)
        return b64encode(nonce + self._key.cipher.encrypt(nonce, value.encode(), name.encode())).decode()

    def open(self, name: str, sealed: str) -> str:
        raw = b64decode(sealed)
        return self._key.cipher.decrypt(raw[:12], raw[12:], name.encode()).decode()
