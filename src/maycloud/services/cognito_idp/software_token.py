"""Authenticator apps: a secret is handed out, and counts once a code of it was seen."""

from maycloud import onetime
from maycloud.errors import AwsError
from maycloud.services.base import Call, Params, Result
from maycloud.services.cognito_idp import challenges, mfa, throttling, tokens
from maycloud.services.cognito_idp.service import PUBLIC, invalid, pools, service
from maycloud.services.cognito_idp.store import Pool, User
from maycloud.store import Document


def _holder(call: Call, params: Params) -> tuple[Pool, User, Document | None, float]:
    """Whose app it is, by access token, or by the session of an MFA_SETUP challenge, with its state."""
    if params.get("AccessToken"):
        pool, _, user, _ = tokens.user_of(pools(call), params["AccessToken"])
        return pool, user, None, 0.0
    if params.get("Session"):
        return challenges.setup_session(pools(call), params["Session"])
    raise invalid("Either AccessToken or Session is required.")


@service.operation(**PUBLIC)
def AssociateSoftwareToken(call: Call, params: Params) -> Result:
    state = pools(call)
    pool, user, held, expires = _holder(call, params)
    if mfa.TOTP not in mfa.of_pool(pool):
        raise AwsError(
            "SoftwareTokenMFANotFoundException", "Software Token MFA is not enabled for the userpool."
        )
    secret = onetime.new_secret()
    if held is None:
        user.settings["TotpPending"] = mfa.seal_secret(state, user, secret)
        state.store.save_user(user)
        return {"SecretCode": secret}
    state.records.spend_session(params["Session"])
    session = state.records.put_session(pool.id, expires, {**held, "Secret": secret})
    return {"SecretCode": secret, "Session": session}


@service.operation(**PUBLIC, atomic=False)
def VerifySoftwareToken(call: Call, params: Params) -> Result:
    """Not atomic: a wrong code is counted although the operation fails."""
    state = pools(call)
    pool, user, held, expires = _holder(call, params)
    if held is not None:
        secret = held.get("Secret")
    else:
        sealed = user.settings.get("TotpPending")
        secret = mfa.open_secret(state, user, sealed) if sealed else None
    if secret is None:
        raise invalid("Software token has not been associated.")
    locked = f"mfa:{user.key}"
    throttling.check_password_attempts(state, pool, locked)
    step = onetime.step_of(secret, params["UserCode"], state.clock.wall())
    if step is None:
        throttling.wrong_password(state, pool, locked)
        raise AwsError("EnableSoftwareTokenMFAException", "Code mismatch")
    with state.db.atomic():
        throttling.right_password(state, pool, locked)
        user.settings.pop("TotpPending", None)
        user.settings |= {"Totp": mfa.seal_secret(state, user, secret), "TotpStep": step}
        if params.get("FriendlyDeviceName"):
            user.settings["TotpName"] = params["FriendlyDeviceName"]
        if held is not None:
            user.settings["Mfa"] = sorted({*user.settings.get("Mfa", []), mfa.TOTP})
        state.store.save_user(user)
        if held is None:
            return {"Status": "SUCCESS"}
        state.records.spend_session(params["Session"])
        done = {key: value for key, value in held.items() if key != "Secret"} | {"Verified": True}
        return {"Status": "SUCCESS", "Session": state.records.put_session(pool.id, expires, done)}
