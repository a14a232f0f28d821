"""Secure Remote Password, SRP-6a, with the group and the paddings of Cognito's clients.

RFC 5054, and as amazon-cognito-identity-js (AuthenticationHelper.js) and pycognito compute it. The server
keeps a salt and a verifier g^x of each password, from which the password cannot be read.
"""

import hashlib
import hmac
import os
import re

from maycloud.services.cognito_idp.modexp import power

# The 3072-bit group of RFC 5054, appendix A.
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3"
    "CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5"
    "AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356"
    "208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28F"
    "B5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521AB"
    "DF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6B"
    "F12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFC"
    "E0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
G = 2
SALT_SIZE = 16  # bytes
SECRET_SIZE = 32  # bytes of b; RFC 5054 asks for as many at least
INFO = b"Caldera Derived Key"

_HEX = re.compile(r"[0-9a-fA-F]{1,1024}")


def pad(value: int) -> bytes:
    """An integer as the clients hash it: big-endian with a leading zero where it would read as negative."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest(), "big")


K = _hash(pad(N), pad(G))


def power_of_g(exponent: int) -> int:
    return power(G, exponent, N)


def new_salt() -> bytes:
    """Random bytes, the first of them not zero: clients differ in how they read leading zeros."""
    salt = os.urandom(SALT_SIZE)
    return bytes([salt[0] | 1]) + salt[1:]


def private_key(pool: str, user: str, password: str, salt: bytes) -> int:
    """x. `pool` is the pool's id without its region, `user` what clients get as USER_ID_FOR_SRP."""
    inner = hashlib.sha256(f"{pool}{user}:{password}".encode()).digest()
    return _hash(pad(int.from_bytes(salt, "big")), inner)


def make_verifier(pool: str, user: str, password: str, salt: bytes) -> bytes:
    return power_of_g(private_key(pool, user, password, salt)).to_bytes(384, "big")


def challenge(verifier: bytes) -> tuple[int, int]:
    """b, to be kept secret, and B for the client."""
    secret = int.from_bytes(os.urandom(SECRET_SIZE), "big")
    return secret, (K * int.from_bytes(verifier, "big") + power_of_g(secret)) % N


def session_key(verifier: bytes, a_public: int, b_secret: int, b_public: int) -> bytes:
    """The 16 bytes that client and server share if the client knew the password."""
    u = _hash(pad(a_public), pad(b_public))
    shared = power(a_public * power(int.from_bytes(verifier, "big"), u, N) % N, b_secret, N)
    extracted = hmac.digest(pad(u), pad(shared), "sha256")
    return hmac.digest(extracted, INFO + b"\x01", "sha256")[:16]


def signature(key: bytes, pool: str, user: str, secret_block: bytes, timestamp: str) -> bytes:
    """What PASSWORD_CLAIM_SIGNATURE must be."""
    return hmac.digest(key, pool.encode() + user.encode() + secret_block + timestamp.encode(), "sha256")


def read_public(text: str) -> int | None:
    """A from hexadecimal digits; None for what is none, or makes the shared secret known (A mod N = 0)."""
    value = int(text, 16) if _HEX.fullmatch(text) else 0
    return value if value % N else None
