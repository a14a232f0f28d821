"""Authorization codes and browser sessions: single-use and short-lived, kept as hashes only."""

import hashlib
import secrets
import uuid
from dataclasses import asdict, dataclass, field

import orjson

from maycloud.store import Store

SCHEMA = (
    "CREATE TABLE cognito_oauth_codes (hash BLOB PRIMARY KEY, body BLOB NOT NULL, expires REAL NOT NULL,"
    " used TEXT)",
    "CREATE INDEX cognito_oauth_codes_by_end ON cognito_oauth_codes (expires)",
    "CREATE TABLE cognito_oauth_sessions (hash BLOB PRIMARY KEY, pool TEXT NOT NULL, username TEXT NOT NULL,"
    " signed_in REAL NOT NULL, expires REAL NOT NULL)",
    "CREATE INDEX cognito_oauth_sessions_by_end ON cognito_oauth_sessions (expires)",
)

CODE_SECONDS = 300
SESSION_SECONDS = 3600
_REMEMBERED = 86_400  # seconds that a used code is known, so that a second use is seen as one


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for."""

    pool: str
    client: str
    username: str
    redirect_uri: str
    scopes: list[str]
    signed_in: float  # epoch seconds
    nonce: str = ""
    challenge: str = ""  # PKCE, of method S256; "" without


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A code's grant. `replayed` names what was issued for it the first time, None if this is the first."""

    grant: Grant
    hash: bytes
    replayed: str | None


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Who is signed in with a browser at a pool's pages."""

    pool: str
    username: str
    signed_in: float
    cookie: str = field(default="", repr=False)


class OAuthStore:
    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._clock = store.clock
        self._db.migrate("cognito-oauth", SCHEMA)

    def new_code(self, grant: Grant) -> str:
        now = self._clock.time()
        self._db.write("DELETE FROM cognito_oauth_codes WHERE expires<?", (now - _REMEMBERED,))
        code = str(uuid.uuid4())
        self._db.write(
            "INSERT INTO cognito_oauth_codes VALUES (?, ?, ?, NULL)",
            (_hash(code), orjson.dumps(asdict(grant)), now + CODE_SECONDS),
        )
        return code

    def redeem(self, code: str) -> Redeemed | None:
        """The grant of a code that has not ended, used or not."""
        row = self._db.row("SELECT body, expires, used FROM cognito_oauth_codes WHERE hash=?", (_hash(code),))
        if row is None or (row[1] <= self._clock.time() and row[2] is None):
            return None
        return Redeemed(Grant(**orjson.loads(row[0])), _hash(code), row[2])

    def use(self, redeemed: Redeemed, issued: str) -> None:
        """Spend a code, remembering what was `issued` for it ("" for nothing, when the attempt was wrong)."""
        self._db.write("UPDATE cognito_oauth_codes SET used=? WHERE hash=?", (issued, redeemed.hash))

    def open_session(self, pool: str, username: str) -> BrowserSession:
        now = self._clock.time()
        self._db.write("DELETE FROM cognito_oauth_sessions WHERE expires<?", (now,))
        cookie = secrets.token_urlsafe(32)
        self._db.write(
            "INSERT INTO cognito_oauth_sessions VALUES (?, ?, ?, ?, ?)",
            (_hash(cookie), pool, username, now, now + SESSION_SECONDS),
        )
        return BrowserSession(pool, username, now, cookie)

    def session(self, pool: str, cookie: str) -> BrowserSession | None:
        row = self._db.row(
            "SELECT username, signed_in, expires FROM cognito_oauth_sessions WHERE hash=? AND pool=?",
            (_hash(cookie), pool),
        )
        if row is None or row[2] <= self._clock.time():
            return None
        return BrowserSession(pool, row[0], row[1], cookie)

    def close_session(self, cookie: str) -> None:
        self._db.write("DELETE FROM cognito_oauth_sessions WHERE hash=?", (_hash(cookie),))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
