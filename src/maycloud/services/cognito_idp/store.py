"""Tables: pools, clients, users, groups, codes, and what signed-in users hold."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.store import Document, Scope, Store

SCHEMA = (
    "CREATE TABLE cognito_pools (id TEXT PRIMARY KEY, account TEXT, region TEXT, body BLOB, keys BLOB)"
    " WITHOUT ROWID",
    "CREATE INDEX cognito_pools_of ON cognito_pools (account, region, id)",
    "CREATE TABLE cognito_clients (id TEXT PRIMARY KEY, pool TEXT, secret BLOB, body BLOB) WITHOUT ROWID",
    "CREATE INDEX cognito_clients_of ON cognito_clients (pool, id)",
    "CREATE TABLE cognito_users (pool TEXT, key TEXT, username TEXT, sub TEXT, status TEXT, enabled INTEGER,"
    " created REAL, modified REAL, attributes BLOB, settings BLOB, salt BLOB, verifier BLOB,"
    " PRIMARY KEY (pool, key)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX cognito_users_sub ON cognito_users (pool, sub)",
    # Values of attributes that users are found by, in ListUsers and as aliases.
    "CREATE TABLE cognito_attributes (pool TEXT, name TEXT, value TEXT, key TEXT,"
    " PRIMARY KEY (pool, name, value, key)) WITHOUT ROWID",
    "CREATE INDEX cognito_attributes_of ON cognito_attributes (pool, key)",
    "CREATE TABLE cognito_groups (pool TEXT, name TEXT, body BLOB, PRIMARY KEY (pool, name)) WITHOUT ROWID",
    "CREATE TABLE cognito_members (pool TEXT, name TEXT, key TEXT, PRIMARY KEY (pool, name, key))"
    " WITHOUT ROWID",
    "CREATE INDEX cognito_members_of ON cognito_members (pool, key, name)",
    # A code is kept as a keyed hash: six digits would not withstand a plain one.
    "CREATE TABLE cognito_codes (pool TEXT, key TEXT, purpose TEXT, hash BLOB, expires REAL, body BLOB,"
    " PRIMARY KEY (pool, key, purpose)) WITHOUT ROWID",
    "CREATE TABLE cognito_attempts (pool TEXT, key TEXT, purpose TEXT, count INTEGER, until REAL,"
    " expires REAL, PRIMARY KEY (pool, key, purpose)) WITHOUT ROWID",
    # Challenges that wait for their answer, by the hash of the session that the client holds.
    "CREATE TABLE cognito_sessions (hash BLOB PRIMARY KEY, pool TEXT, expires REAL, body BLOB) WITHOUT ROWID",
    "CREATE TABLE cognito_logins (id TEXT PRIMARY KEY, pool TEXT, client TEXT, key TEXT, expires REAL,"
    " revoked INTEGER, body BLOB) WITHOUT ROWID",
    "CREATE INDEX cognito_logins_of ON cognito_logins (pool, key)",
    "CREATE TABLE cognito_refresh (hash BLOB PRIMARY KEY, login TEXT, expires REAL, used REAL) WITHOUT ROWID",
    "CREATE INDEX cognito_refresh_of ON cognito_refresh (login)",
    "CREATE TABLE cognito_domains (domain TEXT PRIMARY KEY, pool TEXT, body BLOB) WITHOUT ROWID",
    "CREATE INDEX cognito_domains_of ON cognito_domains (pool)",
    "CREATE TABLE cognito_servers (pool TEXT, identifier TEXT, body BLOB, PRIMARY KEY (pool, identifier))"
    " WITHOUT ROWID",
    # What expires is found without a look at what does not.
    "CREATE INDEX cognito_codes_expire ON cognito_codes (expires)",
    "CREATE INDEX cognito_attempts_expire ON cognito_attempts (expires)",
    "CREATE INDEX cognito_sessions_expire ON cognito_sessions (expires)",
    "CREATE INDEX cognito_logins_expire ON cognito_logins (expires)",
    "CREATE INDEX cognito_refresh_expire ON cognito_refresh (expires)",
    "CREATE TABLE cognito_devices (pool TEXT, key TEXT, device TEXT, body BLOB,"
    " PRIMARY KEY (pool, key, device)) WITHOUT ROWID",
    # Identity providers, sealed: they hold secrets of others.
    "CREATE TABLE cognito_providers (pool TEXT, name TEXT, body BLOB, PRIMARY KEY (pool, name))"
    " WITHOUT ROWID",
    # How the hosted pages look, by app client; "ALL" for those without a look of their own.
    "CREATE TABLE cognito_brandings (pool TEXT, client TEXT, body BLOB, PRIMARY KEY (pool, client))"
    " WITHOUT ROWID",
)

# Attributes by which ListUsers finds, in AWS's words the searchable ones.
SEARCHABLE = frozenset({"email", "phone_number", "name", "given_name", "family_name", "preferred_username"})
_TABLES = (
    "clients", "users", "attributes", "groups", "members", "codes", "attempts", "sessions", "logins",
    "domains", "servers", "devices", "providers", "brandings",
)  # fmt: skip
_USER = (
    "SELECT pool, key, username, sub, status, enabled, created, modified, attributes, settings, salt,"
    " verifier FROM cognito_users"
)


@dataclass(slots=True)
class Pool:
    """`settings` are the members of AWS's UserPoolType that were given, with defaults."""

    id: str
    account: str
    region: str
    settings: Document
    keys: bytes = b""  # sealed signing keys, see keys.py

    @property
    def scope(self) -> Scope:
        return self.account, self.region

    @property
    def arn(self) -> str:
        return f"arn:aws:cognito-idp:{self.region}:{self.account}:userpool/{self.id}"

    @property
    def case_sensitive(self) -> bool:
        return self.settings.get("UsernameConfiguration", {}).get("CaseSensitive", True)

    def fold(self, text: str) -> str:
        """A user name or alias as it is compared in this pool."""
        return text if self.case_sensitive else text.lower()


@dataclass(slots=True)
class Client:
    """`settings` are the members of AWS's UserPoolClientType; `secret` is sealed, b"" for none."""

    id: str
    pool: str
    settings: Document
    secret: bytes = b""


@dataclass(slots=True)
class User:
    """`settings` hold what is neither attribute nor column: MFA, times of passwords."""

    pool: str
    key: str  # the user name as it is compared
    username: str
    sub: str
    status: str
    enabled: bool
    created: float
    modified: float
    attributes: dict[str, str]
    settings: Document = field(default_factory=dict[str, Any])
    salt: bytes = b""
    verifier: bytes = b""


@dataclass(slots=True)
class Login:
    """One sign-in, from which all its tokens come; `body` holds scopes, times and the like."""

    id: str
    pool: str
    client: str
    key: str
    expires: float
    revoked: bool
    body: Document


class Tables:
    """Reads and writes rows; rules are elsewhere."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._pools: dict[str, Pool | None] = store.db.cache()
        self._clients: dict[str, Client | None] = store.db.cache()

    # Pools and clients, read at every request: kept in memory until they change

    def pool(self, id: str) -> Pool | None:  # noqa: A002
        if id not in self._pools:
            row = self._db.row("SELECT account, region, body, keys FROM cognito_pools WHERE id=?", (id,))
            found = Pool(id, row[0], row[1], orjson.loads(row[2]), row[3]) if row else None
            if found is None:
                return None
            self._pools[id] = found
        return self._pools[id]

    def pools(self, scope: Scope) -> list[Pool]:
        rows = self._db.rows(
            "SELECT id, body, keys FROM cognito_pools WHERE account=? AND region=? ORDER BY id", scope
        )
        return [Pool(id_, *scope, orjson.loads(body), keys) for id_, body, keys in rows]

    def save_pool(self, pool: Pool) -> None:
        self._db.write(
            "REPLACE INTO cognito_pools VALUES (?, ?, ?, ?, ?)",
            (pool.id, pool.account, pool.region, orjson.dumps(pool.settings), pool.keys),
        )
        self._pools.pop(pool.id, None)

    def delete_pool(self, pool: str) -> None:
        """The pool with everything in it."""
        self._db.write(
            "DELETE FROM cognito_refresh WHERE login IN (SELECT id FROM cognito_logins WHERE pool=?)", (pool,)
        )
        for table in _TABLES:
            self._db.write(f"DELETE FROM cognito_{table} WHERE pool=?", (pool,))
        self._db.write("DELETE FROM cognito_pools WHERE id=?", (pool,))
        self._pools.pop(pool, None)
        self._clients.clear()

    def client(self, id: str) -> Client | None:  # noqa: A002
        if id not in self._clients:
            row = self._db.row("SELECT pool, secret, body FROM cognito_clients WHERE id=?", (id,))
            if row is None:
                return None
            self._clients[id] = Client(id, row[0], orjson.loads(row[2]), row[1])
        return self._clients[id]

    def clients(self, pool: str) -> list[Client]:
        rows = self._db.rows("SELECT id, secret, body FROM cognito_clients WHERE pool=? ORDER BY id", (pool,))
        return [Client(id_, pool, orjson.loads(body), secret) for id_, secret, body in rows]

    def save_client(self, client: Client) -> None:
        self._db.write(
            "REPLACE INTO cognito_clients VALUES (?, ?, ?, ?)",
            (client.id, client.pool, client.secret, orjson.dumps(client.settings)),
        )
        self._clients.pop(client.id, None)

    def delete_client(self, client: str) -> None:
        self._db.write("DELETE FROM cognito_clients WHERE id=?", (client,))
        self._db.write("UPDATE cognito_logins SET revoked=1 WHERE client=?", (client,))
        self._clients.pop(client, None)

    # Users

    def user(self, pool: str, key: str) -> User | None:
        return self._read(self._db.row(f"{_USER} WHERE pool=? AND key=?", (pool, key)))

    def user_by_sub(self, pool: str, sub: str) -> User | None:
        return self._read(self._db.row(f"{_USER} WHERE pool=? AND sub=?", (pool, sub)))

    def users(self, pool: str, after: str, limit: int) -> list[User]:
        rows = self._db.rows(f"{_USER} WHERE pool=? AND key>? ORDER BY key LIMIT ?", (pool, after, limit))
        return [self._user(row) for row in rows]

    def users_with(self, pool: str, name: str, value: str, *, prefix: bool = False) -> list[User]:
        """Users whose searchable attribute has the value, or begins with it, in order of user name."""
        condition, args = "a.value=?", [value]
        if prefix:
            condition, args = "a.value>=? AND a.value<?", [value, value + "\U0010ffff"]
        rows = self._db.rows(
            f"{_USER} WHERE pool=? AND key IN (SELECT a.key FROM cognito_attributes a"
            f" WHERE a.pool=? AND a.name=? AND {condition}) ORDER BY key",
            (pool, pool, name, *args),
        )
        return [self._user(row) for row in rows]

    def users_by(self, pool: str, column: str, value: Any, *, prefix: bool = False) -> list[User]:
        """By one of username, sub, status, enabled."""
        condition, args = f"{column}=?", [value]
        if prefix:
            condition, args = f"{column}>=? AND {column}<?", [value, value + "\U0010ffff"]
        rows = self._db.rows(f"{_USER} WHERE pool=? AND {condition} ORDER BY key", (pool, *args))
        return [self._user(row) for row in rows]

    def count_users(self, pool: str) -> int:
        row = self._db.row("SELECT count(*) FROM cognito_users WHERE pool=?", (pool,))
        return row[0] if row else 0

    def save_user(self, user: User) -> None:
        self._db.write(
            "REPLACE INTO cognito_users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                user.pool, user.key, user.username, user.sub, user.status, user.enabled, user.created,
                user.modified, orjson.dumps(user.attributes), orjson.dumps(user.settings), user.salt,
                user.verifier,
            ),
        )  # fmt: skip
        self._db.write("DELETE FROM cognito_attributes WHERE pool=? AND key=?", (user.pool, user.key))
        self._db.write_many(
            "REPLACE INTO cognito_attributes VALUES (?, ?, ?, ?)",
            [
                (user.pool, name, value, user.key)
                for name, value in user.attributes.items()
                if name in SEARCHABLE
            ],
        )

    def delete_user(self, user: User) -> None:
        self._db.write(
            "DELETE FROM cognito_refresh"
            " WHERE login IN (SELECT id FROM cognito_logins WHERE pool=? AND key=?)",
            (user.pool, user.key),
        )
        for table in ("users", "attributes", "members", "codes", "attempts", "logins", "devices"):
            self._db.write(f"DELETE FROM cognito_{table} WHERE pool=? AND key=?", (user.pool, user.key))

    def _read(self, row: Any) -> User | None:
        return self._user(row) if row is not None else None

    def _user(self, row: Any) -> User:
        pool, key, username, sub, status, enabled, created, modified, attributes, settings, *secret = row
        return User(
            pool, key, username, sub, status, bool(enabled), created, modified, orjson.loads(attributes),
            orjson.loads(settings), *secret,
        )  # fmt: skip
