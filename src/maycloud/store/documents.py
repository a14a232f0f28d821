"""JSON documents with a key: what most configuration resources of services need of a database."""

from typing import Any

import orjson

from maycloud.store.database import Database

SCHEMA = (
    "CREATE TABLE documents (kind TEXT, account TEXT, region TEXT, id TEXT, body BLOB,"
    " PRIMARY KEY (kind, account, region, id)) WITHOUT ROWID",
)

Scope = tuple[str, str]  # account and region; region is "" for what is global to an account
Document = dict[str, Any]


class Documents:
    """All documents of one kind (``"apigateway.apis"``), apart by account and region.

    Bodies are plain JSON values. Ids order as text, so a compound id such as ``api/stage`` can be
    listed by prefix.
    """

    def __init__(self, db: Database, kind: str) -> None:
        self._db = db
        self.kind = kind

    def get(self, scope: Scope, id: str) -> Document | None:  # noqa: A002
        row = self._db.row(
            "SELECT body FROM documents WHERE kind=? AND account=? AND region=? AND id=?",
            (self.kind, *scope, id),
        )
        return orjson.loads(row[0]) if row else None

    def put(self, scope: Scope, id: str, body: Document) -> None:  # noqa: A002
        self._db.write(
            "REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", (self.kind, *scope, id, orjson.dumps(body))
        )

    def delete(self, scope: Scope, id: str) -> bool:  # noqa: A002
        """True if it was there."""
        self._db.write(
            "DELETE FROM documents WHERE kind=? AND account=? AND region=? AND id=?",
            (self.kind, *scope, id),
        )
        return self._db.changes > 0

    def delete_below(self, scope: Scope, prefix: str) -> None:
        """Delete every document whose id starts with `prefix`."""
        self._db.write(
            "DELETE FROM documents WHERE kind=? AND account=? AND region=? AND id>=? AND id<?",
            (self.kind, *scope, prefix, prefix + "\U0010ffff"),
        )

    def items(
        self, scope: Scope, prefix: str = "", after: str = "", limit: int = -1
    ) -> list[tuple[str, Document]]:
        """Ids and bodies in order of id, from the first id greater than `after`."""
        rows = self._db.rows(
            "SELECT id, body FROM documents WHERE kind=? AND account=? AND region=?"
            " AND id>=? AND id>? AND id<? ORDER BY id LIMIT ?",
            (self.kind, *scope, prefix, after, prefix + "\U0010ffff", limit),
        )
        return [(id_, orjson.loads(body)) for id_, body in rows]

    def everywhere(self) -> list[tuple[Scope, str, Document]]:
        """Every document of the kind, in all accounts and regions."""
        rows = self._db.rows(
            "SELECT account, region, id, body FROM documents WHERE kind=? ORDER BY account, region, id",
            (self.kind,),
        )
        return [((account, region), id_, orjson.loads(body)) for account, region, id_, body in rows]
