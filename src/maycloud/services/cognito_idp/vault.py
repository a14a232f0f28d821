"""What must not lie in the clear is sealed with a key of the data folder."""

import hmac
import os
from pathlib import Path

from maycloud.store.sealing import KeyFile

KEY_FILE = "cognito.key"


class Vault:
    """AES-256-GCM of bytes, and keyed hashes.

    `name` says what is sealed and is bound to it, so that a value cannot be moved to another place.
    """

    def __init__(self, folder: Path) -> None:
        self._key = KeyFile(folder / KEY_FILE)

    def mac(self, name: str, value: str) -> bytes:
        """A keyed hash: for what is too short for a plain one, such as codes of six digits."""
        return hmac.digest(self._key.raw, f"{name}\0{value}".encode(), "sha256")

    def seal(self, name: str, value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._key.cipher.encrypt(nonce, value, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        return self._key.cipher.decrypt(sealed[:12], sealed[12:], name.encode())
