"""AWS's addresses in what a stack says, turned into ones of this cloud."""

import pytest

from maycloud.addresses import Addresses

LOGIN = "https://people.auth.eu-west-1.amazoncognito.com/login?client_id=x"


@pytest.mark.parametrize(
    ("text", "host_form", "path_form"),
    [
        (
            LOGIN,
            "https://people.auth.eu-west-1.localhost:4566/login?client_id=x",
            "https://localhost:4566/_aws/cognito/people/login?client_id=x",
        ),
        (
            f"see {LOGIN}",
            "see https://people.auth.eu-west-1.localhost:4566/login?client_id=x",
            "see https://localhost:4566/_aws/cognito/people/login?client_id=x",
        ),
        ("people.auth.eu-west-1.amazoncognito.com", None, None),
        ("https://a.auth.eu-west-1.amazoncognito.com.evil.example/", None, None),
        (
            "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123xyz/.well-known/jwks.json",
            "http://localhost:4566/eu-west-1_Abc123xyz/.well-known/jwks.json",
            "http://localhost:4566/eu-west-1_Abc123xyz/.well-known/jwks.json",
        ),
        ("cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc123xyz", None, None),
        (
            "https://abcdefghij.execute-api.us-east-1.amazonaws.com/prod/x",
            "https://abcdefghij.execute-api.us-east-1.localhost:4566/prod/x",
            "https://localhost:4566/_aws/execute-api/abcdefghij/prod/x",
        ),
    ],
)
def test_addresses_lead_here(text: str, host_form: str | None, path_form: str | None) -> None:
    assert Addresses(4566, host_form=True).localize(text) == (host_form or text)
    assert Addresses(4566, host_form=False).localize(text) == (path_form or text)
