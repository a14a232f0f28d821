"""Identities that a provider's token vouches for, to be turned into sessions of roles by STS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class InvalidIdentityError(Exception):
    """A token that its provider did not sign, or not for this; `expired` is when it ended, if it did."""

    def __init__(self, expired: float | None = None) -> None:
        super().__init__()
        self.expired = expired


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Whom a verified token speaks of."""

    provider: str  # as the Federated principal of a trust policy names it
    issuer: str
    subject: str
    audience: str
    context: dict[str, Any]  # condition keys of the provider, ``cognito-identity.amazonaws.com:aud``
    tags: dict[str, str] = field(default_factory=dict[str, str])  # of the session


Verifier = Callable[[str], WebIdentity]
"""Verifies a token of one issuer. Raises InvalidIdentityError."""
