"""A pool's two RSA keys, as AWS has them: one signs ID tokens, the other access tokens."""

import base64
import hashlib
import os
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from maycloud.services.cognito_idp.store import Pool
from maycloud.services.cognito_idp.vault import Vault
from maycloud.store import Database

SIZE = 2048  # bits
EXPONENT = 65537
USES = ("id", "access")

Key = tuple[str, rsa.RSAPrivateKey]  # the key's id and the key


def b64(data: bytes) -> str:
    """base64url without padding, as JWTs have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError for what is no base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys:
    """Makes, seals, opens and uses the keys of pools."""

    def __init__(self, vault: Vault, db: Database) -> None:
        self._vault = vault
        self._opened: dict[str, dict[str, Key]] = db.cache()

    def make(self, pool: str) -> bytes:
        """New sealed keys for a pool; takes a tenth of a second, so call it in a thread."""
        made: dict[str, Any] = {}
        for use in USES:
            key = rsa.generate_private_key(EXPONENT, SIZE)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            made[use] = [base64.b64encode(os.urandom(32)).decode(), pem.decode()]
        return self._vault.seal(f"keys:{pool}", orjson.dumps(made))

    def _of(self, pool: Pool) -> dict[str, Key]:
        found = self._opened.get(pool.id)
        if found is None:
            found = {}
            for use, (kid, pem) in orjson.loads(self._vault.open(f"keys:{pool.id}", pool.keys)).items():
                key = serialization.load_pem_private_key(pem.encode(), None)
                assert isinstance(key, rsa.RSAPrivateKey)
                found[use] = (kid, key)
            self._opened[pool.id] = found
        return found

    def sign(self, pool: Pool, use: str, claims: dict[str, Any]) -> str:
        """A JWT with the claims; `use` chooses the key."""
        kid, key = self._of(pool)[use]
        head = b64(orjson.dumps({"kid": kid, "alg": "RS256"}))
        signed = f"{head}.{b64(orjson.dumps(claims))}"
        signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{b64(signature)}"

    def check(self, pool: Pool, header: dict[str, Any], signed: bytes, signature: bytes) -> bool:
        """Whether one of the pool's keys made the signature, by the algorithm that is ours to name."""
        if header.get("alg") != "RS256":
            return False
        for kid, key in self._of(pool).values():
            if kid == header.get("kid"):
                try:
                    key.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
                except InvalidSignature:
                    return False
                return True
        return False

    def certificate(self, pool: Pool, begin: datetime, end: datetime) -> str:
        """A certificate that the pool's first key signed for itself, the same each time; DER in base64."""
        from cryptography import x509  # which takes its time to load
        from cryptography.x509.oid import NameOID

        kid, key = self._of(pool)[USES[0]]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, pool.id)])
        serial = int.from_bytes(hashlib.sha256(kid.encode()).digest()[:15], "big")
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), serial | 1)
            .not_valid_before(begin)
            .not_valid_after(end)
            .sign(key, hashes.SHA256())
        )
        return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()

    def public(self, pool: Pool) -> list[dict[str, str]]:
        """The public halves as a JSON Web Key Set lists them."""
        listed: list[dict[str, str]] = []
        for kid, key in self._of(pool).values():
            numbers = key.public_key().public_numbers()
            listed.append(
                {
                    "alg": "RS256",
                    "e": b64(numbers.e.to_bytes(3, "big")),
                    "kid": kid,
                    "kty": "RSA",
                    "n": b64(numbers.n.to_bytes(SIZE // 8, "big")),
                    "use": "sig",
                }
            )
        return listed
