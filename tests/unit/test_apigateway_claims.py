"""Claims of tokens as API Gateway passes them on."""

from maycloud.services.apigateway.cognito_authorizers import as_texts


def test_claims_are_text_whatever_they_were() -> None:
    claims = {
        "sub": "a", "email_verified": True, "auth_time": 1_795_566_867, "exp": 1_795_566_867,
        "iat": 1_793_577_667.0, "cognito:groups": ["admins", "users"], "custom:n": 1.5,
        "address": {"formatted": "x"}, "identities": [{"userId": "1"}],
    }  # fmt: skip
    assert as_texts(claims) == {
        "sub": "a", "email_verified": "true", "auth_time": "1795566867",
        "exp": "Wed Nov 25 00:34:27 UTC 2026", "iat": "Mon Nov 02 00:01:07 UTC 2026",
        "cognito:groups": "admins,users", "custom:n": "1.5", "address": '{"formatted":"x"}',
        "identities": '[{"userId":"1"}]',
    }  # fmt: skip
