"""Certificates as clients send them: in PEM, and of algorithms that there are."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, InvalidVersion, load_pem_x509_certificates

from maycloud.errors import AwsError


def read_certificates(pem: str, words: str) -> list[Certificate]:
    """All there are, at least one. Raises MalformedCertificate in such words."""
    try:
        found = load_pem_x509_certificates(pem.encode())
        for each in found:
            # What is wrong with these shows when they are read.
            public_key(each)
            _ = each.not_valid_after_utc
    except (ValueError, InvalidVersion, UnsupportedAlgorithm) as error:
        raise AwsError("MalformedCertificate", words) from error
    return found


def public_key(certificate: Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
