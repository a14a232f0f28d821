"""Passwords: what a pool asks of them, and their verifiers.

https://docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
"""

import hmac
import secrets
import string

from maycloud.errors import AwsError
from maycloud.services.cognito_idp import srp
from maycloud.services.cognito_idp.store import Pool, User

SYMBOLS = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= "
DEFAULT_POLICY = {
    "MinimumLength": 8,
    "RequireUppercase": True,
    "RequireLowercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
MAX_HISTORY = 24

_REQUIRED = (
    ("RequireUppercase", string.ascii_uppercase, "uppercase"),
    ("RequireLowercase", string.ascii_lowercase, "lowercase"),
    ("RequireNumbers", string.digits, "numeric"),
    ("RequireSymbols", SYMBOLS, "symbol"),
)


def check_policy(pool: Pool, password: str) -> None:
    """Raises InvalidPasswordException with AWS's words for the first rule that is broken."""
    policy = pool.settings["Policies"]["PasswordPolicy"]
    problem = ""
    if len(password) < policy["MinimumLength"]:
        problem = "Password not long enough"
    else:
        for rule, characters, kind in _REQUIRED:
            if policy.get(rule) and not any(each in characters for each in password):
                problem = f"Password must have {kind} characters"
                break
    if problem:
        raise AwsError("InvalidPasswordException", f"Password did not conform with policy: {problem}")


def generate(pool: Pool) -> str:
    """A temporary password that the pool's policy takes."""
    length = max(10, pool.settings["Policies"]["PasswordPolicy"]["MinimumLength"])
    sets = [string.ascii_uppercase, string.ascii_lowercase, string.digits, "!@#%&*-_?"]
    chosen = [secrets.choice(each) for each in sets]
    chosen += [secrets.choice(string.ascii_letters + string.digits) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def check_history(pool: Pool, user: User, password: str) -> None:
    """Raises PasswordHistoryPolicyViolationException for one of the user's last passwords."""
    size = pool.settings["Policies"]["PasswordPolicy"].get("PasswordHistorySize", 0)
    kept = [[user.salt.hex(), user.verifier.hex()], *user.settings.get("History", [])][:size]
    for salt, verifier in kept:
        made = srp.make_verifier(srp_pool(user.pool), user.username, password, bytes.fromhex(salt))
        if hmac.compare_digest(made, bytes.fromhex(verifier)):
            raise AwsError("PasswordHistoryPolicyViolationException", "Password has already been used.")


def set_password(user: User, password: str, now: float) -> None:
    """Give `user` a password; keeps its salt and verifier only. The user is to be saved."""
    if user.verifier:
        earlier = [[user.salt.hex(), user.verifier.hex()], *user.settings.get("History", [])]
        user.settings["History"] = earlier[:MAX_HISTORY]
    user.salt = srp.new_salt()
    user.verifier = srp.make_verifier(srp_pool(user.pool), user.username, password, user.salt)
    user.settings["PasswordSet"] = now


def matches(user: User, password: str) -> bool:
    """Whether it is the user's password. A user without one costs the same and matches none."""
    salt = user.salt or bytes(srp.SALT_SIZE)
    verifier = srp.make_verifier(srp_pool(user.pool), user.username, password, salt)
    return hmac.compare_digest(verifier, user.verifier) and bool(user.verifier)


def srp_pool(pool: str) -> str:
    """A pool's id as SRP has it: without its region."""
    return pool.partition("_")[2]
