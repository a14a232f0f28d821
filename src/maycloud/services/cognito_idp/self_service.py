"""What signed-in users do for themselves, with their access token."""

from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import mfa, tokens, users
from maycloud.services.cognito_idp.claims import readable
from maycloud.services.cognito_idp.service import PUBLIC, pools, service


@service.operation(**PUBLIC, atomic=False)
def GetUser(call: Call, params: Params) -> Result:
    _, client, user, _ = tokens.user_of(pools(call), params["AccessToken"])
    shown = [each for each in users.listed(user) if readable(client, each["Name"])]
    return {"Username": user.username, "UserAttributes": shown, **mfa.described(user)}
