"""How often may one try: passwords, codes, and the sending of codes.

https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
Counted by the name that was tried, so that names which nobody has are locked like others.
"""

from typing import TYPE_CHECKING

from maycloud.services.cognito_idp.service import limit_exceeded, not_authorized
from maycloud.services.cognito_idp.store import Pool

if TYPE_CHECKING:
    from maycloud.services.cognito_idp.state import UserPools

FREE = 5  # wrong passwords before the first lock
MAX_LOCK = 900.0  # seconds
FORGET = 900.0  # seconds without an attempt after the lock
WINDOW = 3600.0  # seconds in which codes are counted
MAX_GUESSES = 5  # wrong codes in a window
MAX_SENDS = 5  # codes sent in a window


def check_password_attempts(state: "UserPools", pool: Pool, key: str) -> None:
    """Raises while a name is locked; an attempt in that time does not make the lock longer."""
    _, until = state.records.attempts(pool.id, key, "password", state.clock.time())
    if until > state.clock.time():
        raise not_authorized("Password attempts exceeded")


def wrong_password(state: "UserPools", pool: Pool, key: str) -> None:
    """Count a wrong password: the fifth locks for a second, each further one for twice as long."""
    now = state.clock.time()
    count = state.records.attempts(pool.id, key, "password", now)[0] + 1
    lock = min(MAX_LOCK, 2.0 ** min(count - FREE, 20)) if count >= FREE else 0.0
    state.records.put_attempts(pool.id, key, "password", count, now + lock, now + lock + FORGET)


def right_password(state: "UserPools", pool: Pool, key: str) -> None:
    state.records.drop_attempts(pool.id, key, "password")


def check_guesses(state: "UserPools", pool: Pool, key: str, purpose: str) -> None:
    """Raises LimitExceededException after too many wrong codes, whatever the next one is."""
    count, _ = state.records.attempts(pool.id, key, f"guess:{purpose}", state.clock.time())
    if count >= MAX_GUESSES:
        raise limit_exceeded()


def wrong_guess(state: "UserPools", pool: Pool, key: str, purpose: str) -> None:
    _count(state, pool, key, f"guess:{purpose}")


def right_guess(state: "UserPools", pool: Pool, key: str, purpose: str) -> None:
    state.records.drop_attempts(pool.id, key, f"guess:{purpose}")


def count_send(state: "UserPools", pool: Pool, key: str, purpose: str) -> None:
    """Raises LimitExceededException if codes were asked for too often."""
    if _count(state, pool, key, f"send:{purpose}") > MAX_SENDS:
        raise limit_exceeded()


def _count(state: "UserPools", pool: Pool, key: str, purpose: str) -> int:
    """One more in this window, which begins with the first."""
    now = state.clock.time()
    count, begun = state.records.attempts(pool.id, key, purpose, now)
    begun = begun or now
    state.records.put_attempts(pool.id, key, purpose, count + 1, begun, begun + WINDOW)
    return count + 1
