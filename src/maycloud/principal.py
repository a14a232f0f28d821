"""Who makes a call. Made by the access layer, carried by every call, read by services."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["root", "user", "role", "federated", "service", "anonymous"]


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """An authenticated caller.

    `arn` is what GetCallerIdentity answers: ``arn:aws:iam::A:user/x`` or
    ``arn:aws:sts::A:assumed-role/R/session``; `id` is the unique id (``AIDA…``, ``AROA…:session``).
    Compared by identity: the access layer hands out one object per credential until its
    policies change, so the object itself is the key of cached decisions.
    """

    kind: Kind
    account: str
    arn: str
    id: str
    access_key: str = ""
    role_arn: str = ""  # of a role session: arn:aws:iam::A:role/path/R
    session_policies: tuple[dict[str, Any], ...] = ()
    tags: dict[str, str] = field(default_factory=dict[str, str])
    context: dict[str, Any] = field(default_factory=dict[str, Any])  # session's own condition keys
    expires: float | None = None  # epoch seconds, None for long-lived keys
    trusted: bool = True  # of a service: allowed where no resource policy is; else one must name it

    @classmethod
    def service(cls, name: str, account: str) -> "Principal":
        """An AWS service acting of itself, such as ``lambda.amazonaws.com`` on behalf of `account`."""
        return cls("service", account, name, name)


ANONYMOUS = Principal("anonymous", "anonymous", "anonymous", "anonymous")
