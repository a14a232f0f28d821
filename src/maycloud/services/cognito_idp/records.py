"""What lives for a while: challenges, codes, counts of attempts, sign-ins and their refresh tokens.

And the small lists: of a pool groups, domains, resource servers, identity providers; of a user devices.
"""

import hashlib
import secrets
from typing import Any

import orjson

from maycloud.services.cognito_idp.store import Login
from maycloud.services.cognito_idp.vault import Vault
from maycloud.store import Document, Store

_LOGIN = "SELECT id, pool, client, key, expires, revoked, body FROM cognito_logins"


def digest(secret: str) -> bytes:
    """How a secret of 256 random bits is kept: its hash finds it and does not give it away."""
    return hashlib.sha256(secret.encode()).digest()


class Records:
    """Rows of these tables; rules are elsewhere."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._db = store.db
        self._vault = vault

    def sweep(self, now: float) -> None:
        """Delete what has expired."""
        for table in ("codes", "attempts", "sessions", "logins", "refresh"):
            if self._db.row(f"SELECT 1 FROM cognito_{table} WHERE expires<? LIMIT 1", (now,)):
                self._db.write(f"DELETE FROM cognito_{table} WHERE expires<?", (now,))

    # Challenges: sealed, since some hold SRP's secret; taken once

    def put_session(self, pool: str, expires: float, body: Document, name: str | None = None) -> str:
        """Keep the state of a challenge; gives what the client must send to find it again."""
        name = name or secrets.token_urlsafe(96)
        hashed = digest(name)
        sealed = self._vault.seal(hashed.hex(), orjson.dumps(body))
        self._db.write("REPLACE INTO cognito_sessions VALUES (?, ?, ?, ?)", (hashed, pool, expires, sealed))
        return name

    def session(self, name: str) -> tuple[str, float, Document] | None:
        """Pool, moment of expiry and state."""
        hashed = digest(name)
        row = self._db.row("SELECT pool, expires, body FROM cognito_sessions WHERE hash=?", (hashed,))
        if row is None:
            return None
        return row[0], row[1], orjson.loads(self._vault.open(hashed.hex(), row[2]))

    def spend_session(self, name: str) -> None:
        """Forget the state, not the session: whoever comes with it again is told so."""
        hashed = digest(name)
        sealed = self._vault.seal(hashed.hex(), orjson.dumps({"Spent": True}))
        self._db.write("UPDATE cognito_sessions SET body=? WHERE hash=?", (sealed, hashed))

    # Codes

    def put_code(
        self, pool: str, key: str, purpose: str, hashed: bytes, expires: float, body: Document
    ) -> None:
        self._db.write(
            "REPLACE INTO cognito_codes VALUES (?, ?, ?, ?, ?, ?)",
            (pool, key, purpose, hashed, expires, orjson.dumps(body)),
        )

    def code(self, pool: str, key: str, purpose: str) -> tuple[bytes, float, Document] | None:
        """Hash, moment of expiry and what the code is for."""
        row = self._db.row(
            "SELECT hash, expires, body FROM cognito_codes WHERE pool=? AND key=? AND purpose=?",
            (pool, key, purpose),
        )
        return (row[0], row[1], orjson.loads(row[2])) if row else None

    def drop_code(self, pool: str, key: str, purpose: str) -> None:
        self._db.write("DELETE FROM cognito_codes WHERE pool=? AND key=? AND purpose=?", (pool, key, purpose))

    # Attempts

    def attempts(self, pool: str, key: str, purpose: str, now: float) -> tuple[int, float]:
        """How often it was tried, and until when it is locked."""
        row = self._db.row(
            "SELECT count, until FROM cognito_attempts WHERE pool=? AND key=? AND purpose=? AND expires>?",
            (pool, key, purpose, now),
        )
        return (row[0], row[1]) if row else (0, 0.0)

    def put_attempts(
        self, pool: str, key: str, purpose: str, count: int, until: float, expires: float
    ) -> None:
        self._db.write(
            "REPLACE INTO cognito_attempts VALUES (?, ?, ?, ?, ?, ?)",
            (pool, key, purpose, count, until, expires),
        )

    def drop_attempts(self, pool: str, key: str, purpose: str) -> None:
        if self._db.row(
            "SELECT 1 FROM cognito_attempts WHERE pool=? AND key=? AND purpose=?", (pool, key, purpose)
        ):
            self._db.write(
                "DELETE FROM cognito_attempts WHERE pool=? AND key=? AND purpose=?", (pool, key, purpose)
            )

    # Sign-ins

    def put_login(self, login: Login) -> None:
        self._db.write(
            "REPLACE INTO cognito_logins VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                login.id, login.pool, login.client, login.key, login.expires, login.revoked,
                orjson.dumps(login.body),
            ),
        )  # fmt: skip

    def login(self, id: str) -> Login | None:  # noqa: A002
        row = self._db.row(f"{_LOGIN} WHERE id=?", (id,))
        if row is None:
            return None
        identifier, pool, client, key, expires, revoked, body = row
        return Login(identifier, pool, client, key, expires, bool(revoked), orjson.loads(body))

    def revoke(self, login: str) -> None:
        self._db.write("UPDATE cognito_logins SET revoked=1 WHERE id=?", (login,))

    def revoke_all(self, pool: str, key: str) -> None:
        """Every sign-in of a user."""
        self._db.write("UPDATE cognito_logins SET revoked=1 WHERE pool=? AND key=?", (pool, key))

    def put_refresh(self, token: str, login: str, expires: float) -> None:
        self._db.write("REPLACE INTO cognito_refresh VALUES (?, ?, ?, NULL)", (digest(token), login, expires))

    def refresh(self, token: str) -> tuple[str, float, float | None] | None:
        """Sign-in, moment of expiry, and when it was exchanged for the next, if it was."""
        row = self._db.row("SELECT login, expires, used FROM cognito_refresh WHERE hash=?", (digest(token),))
        return (row[0], row[1], row[2]) if row else None

    def use_refresh(self, token: str, now: float) -> None:
        self._db.write("UPDATE cognito_refresh SET used=? WHERE hash=?", (now, digest(token)))

    # Groups

    def groups(self, pool: str) -> list[Document]:
        rows = self._db.rows("SELECT body FROM cognito_groups WHERE pool=? ORDER BY name", (pool,))
        return [orjson.loads(body) for (body,) in rows]

    def group(self, pool: str, name: str) -> Document | None:
        row = self._db.row("SELECT body FROM cognito_groups WHERE pool=? AND name=?", (pool, name))
        return orjson.loads(row[0]) if row else None

    def put_group(self, pool: str, name: str, body: Document) -> None:
        self._db.write("REPLACE INTO cognito_groups VALUES (?, ?, ?)", (pool, name, orjson.dumps(body)))

    def delete_group(self, pool: str, name: str) -> None:
        self._db.write("DELETE FROM cognito_groups WHERE pool=? AND name=?", (pool, name))
        self._db.write("DELETE FROM cognito_members WHERE pool=? AND name=?", (pool, name))

    def join(self, pool: str, name: str, key: str) -> None:
        self._db.write("INSERT OR IGNORE INTO cognito_members VALUES (?, ?, ?)", (pool, name, key))

    def leave(self, pool: str, name: str, key: str) -> None:
        self._db.write("DELETE FROM cognito_members WHERE pool=? AND name=? AND key=?", (pool, name, key))

    def groups_of(self, pool: str, key: str) -> list[Document]:
        """A user's groups, the one that goes before the others first."""
        rows = self._db.rows(
            "SELECT g.body FROM cognito_members m JOIN cognito_groups g ON g.pool=m.pool AND g.name=m.name"
            " WHERE m.pool=? AND m.key=? ORDER BY m.name",
            (pool, key),
        )
        found = [orjson.loads(body) for (body,) in rows]
        return sorted(found, key=lambda group: group.get("Precedence", float("inf")))

    def members(self, pool: str, name: str) -> list[str]:
        """Keys of the users in a group."""
        rows = self._db.rows(
            "SELECT key FROM cognito_members WHERE pool=? AND name=? ORDER BY key", (pool, name)
        )
        return [key for (key,) in rows]

    # Domains and resource servers

    def domain(self, domain: str) -> tuple[str, Document] | None:
        """The pool that has the domain, and its settings."""
        row = self._db.row("SELECT pool, body FROM cognito_domains WHERE domain=?", (domain,))
        return (row[0], orjson.loads(row[1])) if row else None

    def domain_of(self, pool: str) -> str | None:
        row = self._db.row("SELECT domain FROM cognito_domains WHERE pool=?", (pool,))
        return row[0] if row else None

    def put_domain(self, domain: str, pool: str, body: Document) -> None:
        self._db.write("REPLACE INTO cognito_domains VALUES (?, ?, ?)", (domain, pool, orjson.dumps(body)))

    def delete_domain(self, domain: str) -> None:
        self._db.write("DELETE FROM cognito_domains WHERE domain=?", (domain,))

    def servers(self, pool: str) -> list[Document]:
        rows = self._db.rows("SELECT body FROM cognito_servers WHERE pool=? ORDER BY identifier", (pool,))
        return [orjson.loads(body) for (body,) in rows]

    def server(self, pool: str, identifier: str) -> Document | None:
        row = self._db.row(
            "SELECT body FROM cognito_servers WHERE pool=? AND identifier=?", (pool, identifier)
        )
        return orjson.loads(row[0]) if row else None

    def put_server(self, pool: str, identifier: str, body: Document) -> None:
        self._db.write(
            "REPLACE INTO cognito_servers VALUES (?, ?, ?)", (pool, identifier, orjson.dumps(body))
        )

    def delete_server(self, pool: str, identifier: str) -> Any:
        self._db.write("DELETE FROM cognito_servers WHERE pool=? AND identifier=?", (pool, identifier))

    # Identity providers

    def providers(self, pool: str) -> list[Document]:
        rows = self._db.rows("SELECT name, body FROM cognito_providers WHERE pool=? ORDER BY name", (pool,))
        return [self._open_provider(pool, name, body) for name, body in rows]

    def provider(self, pool: str, name: str) -> Document | None:
        row = self._db.row("SELECT body FROM cognito_providers WHERE pool=? AND name=?", (pool, name))
        return self._open_provider(pool, name, row[0]) if row else None

    def _open_provider(self, pool: str, name: str, body: bytes) -> Document:
        return orjson.loads(self._vault.open(f"provider:{pool}:{name}", body))

    def put_provider(self, pool: str, name: str, body: Document) -> None:
        sealed = self._vault.seal(f"provider:{pool}:{name}", orjson.dumps(body))
        self._db.write("REPLACE INTO cognito_providers VALUES (?, ?, ?)", (pool, name, sealed))

    def delete_provider(self, pool: str, name: str) -> None:
        self._db.write("DELETE FROM cognito_providers WHERE pool=? AND name=?", (pool, name))

    # Devices

    def devices(self, pool: str, key: str) -> list[Document]:
        rows = self._db.rows(
            "SELECT body FROM cognito_devices WHERE pool=? AND key=? ORDER BY device", (pool, key)
        )
        return [orjson.loads(body) for (body,) in rows]

    def device(self, pool: str, key: str, device: str) -> Document | None:
        row = self._db.row(
            "SELECT body FROM cognito_devices WHERE pool=? AND key=? AND device=?", (pool, key, device)
        )
        return orjson.loads(row[0]) if row else None

    def put_device(self, pool: str, key: str, body: Document) -> None:
        self._db.write(
            "REPLACE INTO cognito_devices VALUES (?, ?, ?, ?)", (pool, key, body["Key"], orjson.dumps(body))
        )

    def delete_device(self, pool: str, key: str, device: str) -> None:
        self._db.write("DELETE FROM cognito_devices WHERE pool=? AND key=? AND device=?", (pool, key, device))

    # Brandings

    def branding(self, pool: str, client: str) -> Document | None:
        row = self._db.row("SELECT body FROM cognito_brandings WHERE pool=? AND client=?", (pool, client))
        return orjson.loads(row[0]) if row else None

    def put_branding(self, pool: str, client: str, body: Document) -> None:
        self._db.write("REPLACE INTO cognito_brandings VALUES (?, ?, ?)", (pool, client, orjson.dumps(body)))
