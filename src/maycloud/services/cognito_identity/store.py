"""Identity pools, the identities in them, and which login of which provider belongs to which identity."""

import uuid
from typing import Any

import orjson

from maycloud.store import Scope, Store

SCHEMA = (
    "CREATE TABLE cognito_identity_pools (id TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL,"
    " body BLOB NOT NULL)",
    "CREATE INDEX cognito_identity_pools_by_owner ON cognito_identity_pools (account, region, id)",
    "CREATE TABLE cognito_identity_identities (id TEXT PRIMARY KEY, pool TEXT NOT NULL,"
    " created REAL NOT NULL, modified REAL NOT NULL, merged INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX cognito_identity_identities_by_pool ON cognito_identity_identities (pool, id)",
    "CREATE TABLE cognito_identity_logins (pool TEXT NOT NULL, provider TEXT NOT NULL, subject TEXT NOT NULL,"
    " identity TEXT NOT NULL, PRIMARY KEY (pool, provider, subject)) WITHOUT ROWID",
    "CREATE INDEX cognito_identity_logins_by_identity ON cognito_identity_logins (identity, provider)",
)

Pool = dict[str, Any]


class Identity:
    """A row of identities: an identity whose `merged` is set has become part of another."""

    __slots__ = ("created", "id", "merged", "modified", "pool")

    def __init__(self, id: str, pool: str, created: float, modified: float, merged: int) -> None:  # noqa: A002
        self.id = id
        self.pool = pool
        self.created = created
        self.modified = modified
        self.merged = bool(merged)


_IDENTITY = "SELECT id, pool, created, modified, merged FROM cognito_identity_identities"


class IdentityStore:
    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._clock = store.clock
        self._pools: dict[str, Pool] = store.db.cache()

    # Pools: the members of AWS's IdentityPool, and Account, Region, Roles, RoleMappings and PrincipalTags

    def pool(self, id: str) -> Pool | None:  # noqa: A002
        """A pool by its id, which is its own in the whole cloud. To be read, not changed."""
        found = self._pools.get(id)
        if found is None:
            row = self._db.row("SELECT body FROM cognito_identity_pools WHERE id=?", (id,))
            if row is None:
                return None
            found = self._pools[id] = orjson.loads(row[0])
        return found

    def put_pool(self, pool: Pool) -> None:
        identifier = pool["IdentityPoolId"]
        self._pools.pop(identifier, None)
        self._db.write(
            "REPLACE INTO cognito_identity_pools VALUES (?, ?, ?, ?)",
            (identifier, pool["Account"], pool["Region"], orjson.dumps(pool)),
        )

    def delete_pool(self, id: str) -> None:  # noqa: A002
        """With all of its identities."""
        self._pools.pop(id, None)
        self._db.write("DELETE FROM cognito_identity_pools WHERE id=?", (id,))
        self._db.write("DELETE FROM cognito_identity_identities WHERE pool=?", (id,))
        self._db.write("DELETE FROM cognito_identity_logins WHERE pool=?", (id,))

    def pools(self, scope: Scope, after: str, limit: int) -> list[Pool]:
        rows = self._db.rows(
            "SELECT body FROM cognito_identity_pools WHERE account=? AND region=? AND id>?"
            " ORDER BY id LIMIT ?",
            (*scope, after, limit),
        )
        return [orjson.loads(body) for (body,) in rows]

    # Identities

    def new_identity(self, pool: Pool) -> Identity:
        now = self._clock.time()
        identifier = f"{pool['Region']}:{uuid.uuid4()}"
        self._db.write(
            "INSERT INTO cognito_identity_identities VALUES (?, ?, ?, ?, 0)",
            (identifier, pool["IdentityPoolId"], now, now),
        )
        return Identity(identifier, pool["IdentityPoolId"], now, now, 0)

    def identity(self, id: str) -> Identity | None:  # noqa: A002
        row = self._db.row(f"{_IDENTITY} WHERE id=?", (id,))
        return Identity(*row) if row else None

    def identities(self, pool: str, after: str, limit: int, *, hide_merged: bool) -> list[Identity]:
        where = "AND merged=0" if hide_merged else ""
        rows = self._db.rows(
            f"{_IDENTITY} WHERE pool=? AND id>? {where} ORDER BY id LIMIT ?", (pool, after, limit)
        )
        return [Identity(*row) for row in rows]

    def merge(self, identity: str) -> None:
        """Mark an identity as part of another, to which its logins have moved."""
        self._db.write(
            "UPDATE cognito_identity_identities SET merged=1, modified=? WHERE id=?",
            (self._clock.time(), identity),
        )

    def delete_identity(self, id: str) -> None:  # noqa: A002
        self._db.write("DELETE FROM cognito_identity_identities WHERE id=?", (id,))
        self._db.write("DELETE FROM cognito_identity_logins WHERE identity=?", (id,))

    # Logins

    def owner(self, pool: str, provider: str, subject: str) -> str | None:
        """The identity that a login belongs to."""
        row = self._db.row(
            "SELECT identity FROM cognito_identity_logins WHERE pool=? AND provider=? AND subject=?",
            (pool, provider, subject),
        )
        return row[0] if row else None

    def logins(self, identity: str) -> list[tuple[str, str]]:
        """Provider and subject of every login of an identity."""
        return [
            (provider, subject)
            for provider, subject in self._db.rows(
                "SELECT provider, subject FROM cognito_identity_logins WHERE identity=? ORDER BY provider",
                (identity,),
            )
        ]

    def link(self, pool: str, identity: str, provider: str, subject: str) -> None:
        self._db.write(
            "REPLACE INTO cognito_identity_logins VALUES (?, ?, ?, ?)", (pool, provider, subject, identity)
        )
        self._touch(identity)

    def unlink(self, pool: str, identity: str, provider: str, subject: str) -> None:
        self._db.write(
            "DELETE FROM cognito_identity_logins WHERE pool=? AND provider=? AND subject=? AND identity=?",
            (pool, provider, subject, identity),
        )
        self._touch(identity)

    def _touch(self, identity: str) -> None:
        self._db.write(
            "UPDATE cognito_identity_identities SET modified=? WHERE id=?", (self._clock.time(), identity)
        )
