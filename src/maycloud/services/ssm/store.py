"""Parameters as documents, each with its versions; SecureStrings sealed with a key of the data folder."""

import os
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from maycloud.services.base import Cloud

KEY_FILE = "parameters.key"


class Parameters:
    """What the service keeps per cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.documents = cloud.store.documents("ssm.parameters")
        self._path = cloud.store.folder / KEY_FILE
        self._cipher: AESGCM | None = None

    def seal(self, name: str, value: str) -> str:
        """A value as it is kept: bound to its parameter's name, so that it cannot be moved to another."""
        nonce = os.urandom(12)
        return b64encode(nonce + self._key().encrypt(nonce, value.encode(), name.encode())).decode()

    def open(self, name: str, sealed: str) -> str:
        raw = b64decode(sealed)
        return self._key().decrypt(raw[:12], raw[12:], name.encode()).decode()

    def _key(self) -> AESGCM:
        """The key, made when first needed, readable by its owner alone."""
        if self._cipher is None:
            if not self._path.exists():
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(AESGCM.generate_key(256))
                    file.flush()
                    os.fsync(file.fileno())
            self._cipher = AESGCM(self._path.read_bytes())
        return self._cipher
