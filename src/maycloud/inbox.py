"""The inbox: every mail that the cloud's services send, kept where its reader's address finds it.

What Cognito, SES and others send is read with ``may inbox`` or ``GET /_may/inbox?to=ADDRESS``. No mail leaves
the machine unless ``may up`` was given an SMTP server.
"""

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from maycloud.store import Store

if TYPE_CHECKING:
    from maycloud.mailing import Mailing

SCHEMA = (
    "CREATE TABLE inbox_mails (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,"
    " sender TEXT NOT NULL, recipient TEXT NOT NULL COLLATE NOCASE,"
    " subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT, received REAL NOT NULL)",
    "CREATE INDEX inbox_mails_by_recipient ON inbox_mails (recipient, number)",
)

KEPT = 10_000  # mails; the oldest make room
SHOWN = 1_000  # in one answer


class Inbox:
    """The mails of one cloud."""

    def __init__(self, store: Store, mailing: "Mailing | None" = None) -> None:
        self._mailing = mailing
        self._db = store.db
        self._clock = store.clock
        self._db.migrate("inbox", SCHEMA)

    def put(self, sender: str, to: str, subject: str, text: str, html: str | None = None) -> str:
        """Deliver a mail to one address, in this tick's transaction. Gives its id."""
        identifier = str(uuid.uuid4())
        row = self._db.write_row(
            "INSERT INTO inbox_mails (id, sender, recipient, subject, text, html, received)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (identifier, sender, to, subject, text, html, self._clock.time()),
        )
        assert row is not None
        self._db.write("DELETE FROM inbox_mails WHERE number <= ?", (row[0] - KEPT,))
        if self._mailing is not None:
            self._mailing.put(sender, to, subject, text, html)
        return identifier

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """Newest first, of one address (in any case of letters) or of all."""
        where, values = ("WHERE recipient = ?", (to,)) if to is not None else ("", ())
        rows = self._db.rows(f"{_SELECT} {where} ORDER BY number DESC LIMIT {SHOWN}", values)
        return [_described(row) for row in rows]

    def mail(self, identifier: str) -> dict[str, Any] | None:
        row = self._db.row(f"{_SELECT} WHERE id = ?", (identifier,))
        return _described(row) if row is not None else None


_SELECT = "SELECT id, sender, recipient, subject, text, html, received FROM inbox_mails"


def _described(row: tuple[Any, ...]) -> dict[str, Any]:
    identifier, sender, recipient, subject, text, html, received = row
    return {
        "id": identifier,
        "from": sender,
        "to": recipient,
        "subject": subject,
        "text": text,
        "html": html,
        "receivedAt": _moment(received),
    }


def _moment(seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-01-31T12:00:00.000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
