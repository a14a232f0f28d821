"""Who is signed in to the console, and who may be by a link: tickets, kept as hashes only.

A ticket is a browser's session or a link that opens one, once. It ends with its time, with the key that it
was given for, and with that key's secret.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from maycloud.errors import AwsError
from maycloud.principal import Principal

if TYPE_CHECKING:
    from maycloud.access.identities import Credential
    from maycloud.cloud import Cloud

SCHEMA = (
    "CREATE TABLE console_tickets (hash BLOB PRIMARY KEY, kind TEXT NOT NULL, access_key TEXT NOT NULL,"
    " proof BLOB NOT NULL, expires REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX console_tickets_by_end ON console_tickets (expires)",
)

Kind = Literal["session", "link"]

SECONDS: dict[Kind, float] = {"session": 12 * 3600.0, "link": 300.0}
MAX_TICKETS = 1000  # of one key; the oldest make room
FREE = 5  # wrong secrets before the first lock
MAX_LOCK = 900.0  # seconds
_MAX_ID = 100  # characters


class LockedError(Exception):
    """Too many wrong secrets of late; `seconds` to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in administrator. `id` is what the cookie holds."""

    id: str = field(repr=False)
    principal: Principal


class Sessions:
    def __init__(self, cloud: "Cloud") -> None:
        self._access = cloud.access
        self._db = cloud.store.db
        self._clock = cloud.store.clock
        self._db.migrate("console", SCHEMA)
        self._wrong = 0
        self._locked_until = 0.0

    def prove(self, access_key: str, secret: str) -> str:
        """A session for an administrator who knows the secret. Raises LockedError; AwsError if it is wrong.

        Wrong secrets are counted together, whichever keys they were for, so that nothing is gained by trying
        many keys: the fifth locks the door for a second, each further one for twice as long. `may console`
        opens it at any time.
        """
        now = self._clock.time()
        if self._locked_until > now:
            raise LockedError(self._locked_until - now)
        credential = self._credential(access_key)
        # The same work for a key that is not there, whose secret is nothing that can be sent.
        expected = credential.secret if credential is not None and credential.token is None else "\0"
        right = hmac.compare_digest(_hash(expected), _hash(secret))
        if credential is None or not right:
            self._wrong += 1
            if self._wrong >= FREE:
                self._locked_until = now + min(MAX_LOCK, 2.0 ** min(self._wrong - FREE, 20))
            raise AwsError("AccessDenied", "That key and secret are not an administrator's.", 403)
        self._wrong = 0
        return self._issue("session", access_key, credential)

    def link(self, access_key: str) -> str:
        """A ticket for one sign-in, for an administrator who signed the request for it."""
        credential = self._credential(access_key)
        if credential is None:
            raise AwsError("AccessDenied", "Only an administrator may use the console", 403)
        return self._issue("link", access_key, credential)

    def redeem(self, link: str) -> str | None:
        """The session that a link opens, once."""
        found = self._find("link", link)
        if found is None:
            return None
        self.close(link)
        return self._issue("session", *found)

    def session(self, cookie: str) -> Session | None:
        found = self._find("session", cookie)
        return Session(cookie, found[1].principal) if found is not None else None

    def holder(self, link: str) -> Principal | None:
        """Whom a link would sign in."""
        found = self._find("link", link)
        return found[1].principal if found is not None else None

    def close(self, ticket: str) -> None:
        self._db.write("DELETE FROM console_tickets WHERE hash=?", (_hash(ticket),))

    def _issue(self, kind: Kind, access_key: str, credential: "Credential") -> str:
        now = self._clock.time()
        ticket = secrets.token_urlsafe(32)
        self._db.write("DELETE FROM console_tickets WHERE expires<=?", (now,))
        self._db.write(
            "DELETE FROM console_tickets WHERE hash IN (SELECT hash FROM console_tickets WHERE access_key=?"
            " ORDER BY expires DESC LIMIT -1 OFFSET ?)",
            (access_key, MAX_TICKETS - 1),
        )
        self._db.write(
            "INSERT INTO console_tickets VALUES (?, ?, ?, ?, ?)",
            (_hash(ticket), kind, access_key, _proof(credential, ticket), now + SECONDS[kind]),
        )
        return ticket

    def _find(self, kind: Kind, ticket: str) -> "tuple[str, Credential] | None":
        """The key of a ticket that is still good, and its credential."""
        if not 0 < len(ticket) <= _MAX_ID:
            return None
        row = self._db.row(
            "SELECT access_key, proof FROM console_tickets WHERE hash=? AND kind=? AND expires>?",
            (_hash(ticket), kind, self._clock.time()),
        )
        credential = self._credential(row[0]) if row is not None else None
        if row is None or credential is None or not hmac.compare_digest(row[1], _proof(credential, ticket)):
            return None
        return row[0], credential

    def _credential(self, access_key: str) -> "Credential | None":
        """The credential of a key if it is an administrator's, now."""
        found = self._access.identities.credential(access_key)
        if found is None or not found.active or not self._access.is_unlimited(found.principal):
            return None
        return None if found.expires is not None and found.expires <= self._clock.time() else found


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _proof(credential: "Credential", ticket: str) -> bytes:
    """Binds a ticket to the secret of its key: who changes the secret ends the sessions."""
    return hmac.digest(credential.secret.encode(), ticket.encode("utf-8", "replace"), "sha256")
