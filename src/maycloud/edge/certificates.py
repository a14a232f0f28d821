"""The cloud's private certificate authority, and the certificates it makes as names are asked for.

The authority is made at first start in the data folder (``ca.pem``, its key readable by its owner
alone). A leaf covers ``localhost``, the loopback addresses and the one name that the client asked
for (SNI): wildcards do not reach over several labels, so each name gets its own.
"""

import contextlib
import datetime
import hashlib
import ipaddress
import os
import re
import ssl
from pathlib import Path
from typing import Any

_YEARS = 10
_LEAF_DAYS = 397  # the most that browsers take
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_-]{1,63}\.)*[a-z0-9-]{1,63}", re.IGNORECASE)
_MOST_NAMES = 1000


class Authority:
    """Gives TLS contexts. Nothing is read, made or imported before it is needed."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._leaves = folder / "certificates"
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._default: ssl.SSLContext | None = None

    def ensure(self) -> None:
        """Make the authority if the folder has none."""
        if self.certificate.exists() and self._key.exists():
            return
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Maycloud"),
                x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Maycloud CA {os.urandom(4).hex()}"),
            ]
        )
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._write_key(self._key, key)
        _write(self.certificate, _pem(certificate), 0o644)

    def context(self) -> ssl.SSLContext:
        """The context of the listener; it changes to the asked name's own during the handshake."""
        if self._default is None:
            self._default = self._context("localhost")
            self._default.sni_callback = self._choose
        return self._default

    def _choose(self, sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        if not name or name.lower() == "localhost":
            return None
        name = name.lower().rstrip(".")
        if not _NAME.fullmatch(name):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name not in self._contexts and len(self._contexts) >= _MOST_NAMES:
            self._contexts.clear()  # somebody asks for endless names; the real ones are made again
        sock.context = self._context(name)
        return None

    def _context(self, name: str) -> ssl.SSLContext:
        context = self._contexts.get(name)
        if context is None:
            self.ensure()
            path = self._leaf(name)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            context.load_cert_chain(path)
            self._contexts[name] = context
        return context

    def _leaf(self, name: str) -> Path:
        """A file with a key and a certificate for `name`; made anew when it nears its end."""
        self._leaves.mkdir(mode=0o700, exist_ok=True)
        file = name if len(name) < 200 else f"{name[:100]}-{hashlib.sha256(name.encode()).hexdigest()}"
        path = self._leaves / f"{file}.pem"
        from cryptography import x509

        now = datetime.datetime.now(datetime.UTC)
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        # A file that was damaged is made anew.
        with contextlib.suppress(FileNotFoundError, ValueError):
            leaf = x509.load_pem_x509_certificate(path.read_bytes())
            lasts = leaf.not_valid_after_utc - now > datetime.timedelta(days=30)
            if lasts and leaf.issuer == authority.subject:
                return path
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        signer = serialization.load_pem_private_key(self._key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(each) for each in dict.fromkeys([name, "localhost", f"*.{name}"])]
        addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=_LEAF_DAYS - 1))
            .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
            .sign(signer, hashes.SHA256())
        )
        self._write_key(path, key, _pem(certificate) + _pem(authority))
        return path

    @staticmethod
    def _write_key(path: Path, key: object, more: bytes = b"") -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        assert isinstance(key, ec.EllipticCurvePrivateKey)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(path, pem + more, 0o600)


def _pem(certificate: object) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    assert isinstance(certificate, x509.Certificate)
    return certificate.public_bytes(Encoding.PEM)


def _usage(*, ca: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others in between."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    temporary.unlink(missing_ok=True)  # left by a crash, with who knows what permissions
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
    temporary.rename(path)
