"""Proofs of a password by SRP, of a user or of a device: signed with the key that both sides derive."""

import base64
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from maycloud.services.cognito_idp import srp
from maycloud.services.cognito_idp.service import invalid
from maycloud.store import Document

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.challenges import Attempt

MAX_SKEW = 300.0  # seconds between the client's clock and ours

_TIMESTAMP = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r" (\d{1,2}) (\d\d):(\d\d):(\d\d) UTC (\d{4})"
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}


def check(given: dict[str, str]) -> float:
    """The moment that a proof claims. Raises InvalidParameterException for what is no proof."""
    for name in ("PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"):
        if not given.get(name):
            raise invalid(f"Missing required parameter {name}")
    return _read_timestamp(given["TIMESTAMP"])


def is_good(
    attempt: "Attempt",
    given: dict[str, str],
    held: Document,
    session: str,
    verifier: bytes,
    group: str,
    name: str,
) -> bool:
    """Whether an answer proves the password of `name` in `group`, and is of now. Spends the session."""
    moment = check(given)
    attempt.state.records.spend_session(session)
    key = srp.session_key(verifier, int(held["A"], 16), int(held["b"], 16), int(held["B"], 16))
    wanted = srp.signature(key, group, name, base64.b64decode(session), given["TIMESTAMP"])
    try:
        signature = base64.b64decode(given["PASSWORD_CLAIM_SIGNATURE"], validate=True)
    except ValueError:
        signature = b""
    return hmac.compare_digest(wanted, signature) and abs(moment - attempt.state.clock.wall()) <= MAX_SKEW


def _read_timestamp(text: str) -> float:
    """``Tue Sep 25 00:09:40 UTC 2018``, in epoch seconds."""
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is not None:
            month, day, hour, minute, second, year = match.groups()
            numbers = (int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second))
            return datetime(*numbers, tzinfo=UTC).timestamp()
    except ValueError:
        pass
    raise invalid("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english.")
