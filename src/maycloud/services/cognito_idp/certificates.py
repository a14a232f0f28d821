"""What a pool tells others of itself: the certificate of its requests, the head of an import's file."""

from datetime import UTC, datetime, timedelta

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp.service import ADMIN_READ, pool_of, pools, service

_YEARS = 10

# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-using-import-tool.html
_BEFORE = (
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
    "picture", "website", "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale",
    "phone_number", "phone_number_verified", "address", "updated_at",
)  # fmt: skip
_AFTER = ("cognito:mfa_enabled", "cognito:username")


@service.operation(**ADMIN_READ)
def GetSigningCertificate(call: Call, params: Params) -> Result:
    """The certificate of the key that would sign SAML requests: DER in base64, ten years from the start."""
    pool = pool_of(call, params)
    begin = datetime.fromtimestamp(int(pool.settings["Created"]), UTC)
    end = begin + timedelta(days=365 * _YEARS)
    return {"Certificate": pools(call).keys.certificate(pool, begin, end)}


@service.operation(**ADMIN_READ)
def GetCSVHeader(call: Call, params: Params) -> Result:
    pool = pool_of(call, params)
    own = [each["Name"] for each in pool.settings["SchemaAttributes"] if ":" in each["Name"]]
    return {"UserPoolId": pool.id, "CSVHeader": [*_BEFORE, *own, *_AFTER]}
