"""What sign-ins by choice may begin with: as a pool allows it, as a user has it.

https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flows-selection-sdk.html
"""

from maycloud.services.cognito_idp.store import Pool, User

PASSWORD, PASSWORD_SRP = "PASSWORD", "PASSWORD_SRP"
ADDRESS = {"EMAIL_OTP": "email", "SMS_OTP": "phone_number"}  # where a code is sent


def factors_of(pool: Pool) -> list[str]:
    return pool.settings["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"]


def is_passwordless(pool: Pool) -> bool:
    """Whether users may do without a password."""
    return any(each in ADDRESS for each in factors_of(pool))


def configured(pool: Pool, user: User) -> list[str]:
    """What a user can begin with, as GetUserAuthFactors lists it."""
    found = [PASSWORD] if user.verifier else []
    return found + [
        factor
        for factor, attribute in ADDRESS.items()
        if factor in factors_of(pool) and user.attributes.get(attribute)
    ]
