"""Devices that make one-time passwords: who has which, and whether a code is one of theirs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa.html
"""

from typing import Any

from maycloud import onetime
from maycloud.access.identities import Identities
from maycloud.errors import AwsError
from maycloud.principal import Principal
from maycloud.store import Clock, Scope

Document = dict[str, Any]
_FAILED = "MultiFactorAuthentication failed"


def devices_of(identities: Identities, scope: Scope, user: str) -> list[Document]:
    return [body for _, body in identities.devices.items(scope) if body.get("User") == user]


def take(identities: Identities, scope: Scope, device: Document, code: str, clock: Clock) -> int | None:
    """The time step of a code of a device, by the machine's time, or None. Each code is good once."""
    step = onetime.step_of(device["Seed"], code, clock.wall())
    if step is None or step <= device.get("LastStep", 0):
        return None
    identities.devices.put(scope, device["SerialNumber"], device | {"LastStep": step})
    return step


def check(identities: Identities, principal: Principal, serial: str, code: str | None, clock: Clock) -> None:
    """Raises AccessDenied unless the caller's own device made the code."""
    scope = (principal.account, "")
    device = identities.devices.get(scope, serial)
    if device is None or device.get("User") != principal.arn.rpartition("/")[2] or principal.kind != "user":
        raise AwsError(
            "AccessDenied",
            f"{_FAILED}, unable to validate MFA code.  Please verify your MFA serial number is valid and"
            " associated with this user.",
            403,
        )
    if code is None:
        raise AwsError("AccessDenied", f"{_FAILED}, must provide MFA one time pass code", 403)
    if take(identities, scope, device, code, clock) is None:
        raise AwsError("AccessDenied", f"{_FAILED} with invalid MFA one time pass code. ", 403)
