"""SRP's arithmetic: against Python's own powers, against pycognito, and at its edges."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycognito.aws_srp import AWSSRP, calculate_u, hex_to_long

from maycloud.services.cognito_idp import modexp, srp


@given(st.integers(0, 1 << 3072), st.integers(0, 1 << 256), st.sampled_from([srp.N, 3, 65537, (1 << 61) - 1]))
def test_powers_are_pythons(base: int, exponent: int, modulus: int) -> None:
    assert modexp.power(base, exponent, modulus) == pow(base, exponent, modulus)


@pytest.mark.parametrize("password", ["Secret-123", "ü" * 40, "a:b"])
def test_client_and_server_find_the_same_key(password: str) -> None:
    helper = AWSSRP(
        username="ann", password=password, pool_id="us-east-1_abc", client_id="x", client=object()
    )
    salt = srp.new_salt()
    verifier = srp.make_verifier("abc", "ann", password, salt)
    b_secret, b_public = srp.challenge(verifier)
    key = srp.session_key(verifier, helper.large_a_value, b_secret, b_public)
    assert key == helper.get_password_authentication_key("ann", password, b_public, salt.hex())
    wrong = srp.make_verifier("abc", "ann", password + "x", salt)
    assert key != srp.session_key(wrong, helper.large_a_value, b_secret, b_public)


def test_numbers_are_padded_as_clients_pad_them() -> None:
    for value in (0x7F, 0x80, 0xFF00, 1 << 3071, int.from_bytes(os.urandom(384), "big") | 1):
        assert srp.pad(value)[0] < 0x80
        assert int.from_bytes(srp.pad(value), "big") == value
    assert srp._hash(srp.pad(0x80), srp.pad(0x7F)) == calculate_u(0x80, 0x7F)
    assert all(srp.new_salt()[0] for _ in range(1000))


@pytest.mark.parametrize(
    "text", ["0", "", "-1", "zz", "0x10", "1_0", f"{srp.N:x}", f"{5 * srp.N:x}", "f" * 1025]
)
def test_public_values_that_are_refused(text: str) -> None:
    assert srp.read_public(text) is None


def test_public_values_that_are_taken() -> None:
    assert srp.read_public("FF") == hex_to_long("ff") == 255
