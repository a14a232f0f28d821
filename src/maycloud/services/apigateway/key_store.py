"""API keys, usage plans, which key is in which plan, and what has been used.

A key is ``{"id", "name"?, …, "sealed": its value sealed, "digest": the value's hash}``, found by its hash.
A usage plan has AWS's own member names. Usage is a table, one row a key and day.
"""

import hashlib
from typing import Any

from maycloud.services.base import Cloud
from maycloud.store import Document, Scope
from maycloud.store.sealing import Sealer

SCHEMA = (
    "CREATE TABLE apigateway_usage (plan TEXT, key TEXT, day TEXT, used INTEGER NOT NULL,"
    " PRIMARY KEY (plan, key, day)) WITHOUT ROWID",
    # What UpdateUsage has granted, or taken, beside the quota, by the first day of the quota's period.
    "CREATE TABLE apigateway_extensions (plan TEXT, key TEXT, day TEXT, extra INTEGER NOT NULL,"
    " PRIMARY KEY (plan, key, day)) WITHOUT ROWID",
)


def digest_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class Keys:
    """The part of API Gateway's state that is about API keys."""

    def __init__(self, cloud: Cloud) -> None:
        store = cloud.store
        self._db = store.db
        self._sealer = Sealer(store.folder / "apikeys.key")
        self._keys = store.documents("apigateway.keys")
        self._digests = store.documents("apigateway.keydigests")
        self._plans = store.documents("apigateway.plans")
        self._members = store.documents("apigateway.plankeys")  # plan/key
        self._memberships = store.documents("apigateway.keyplans")  # key/plan
        # By scope and hash of a value: the key and the plans it is in, as requests ask for them.
        self._entitled: dict[Any, tuple[Document, list[Document]]] = store.db.cache()

    # Keys

    def all(self, scope: Scope) -> list[Document]:
        found = [document for _, document in self._keys.items(scope)]
        return sorted(found, key=lambda each: (each["createdDate"], each["id"]))

    def get(self, scope: Scope, key: str) -> Document | None:
        return self._keys.get(scope, key)

    def is_taken(self, scope: Scope, value: str) -> bool:
        return self._digests.get(scope, digest_of(value)) is not None

    def create(self, scope: Scope, key: Document, value: str) -> None:
        key["sealed"] = self._sealer.seal(key["id"], value)
        key["digest"] = digest_of(value)
        self._digests.put(scope, key["digest"], {"id": key["id"]})
        self.save(scope, key)

    def save(self, scope: Scope, key: Document) -> None:
        self._keys.put(scope, key["id"], key)
        self._entitled.clear()

    def value(self, key: Document) -> str:
        return self._sealer.open(key["id"], key["sealed"])

    def delete(self, scope: Scope, key: Document) -> None:
        for plan in self.plans_of(scope, key["id"]):
            self.leave(scope, plan["id"], key["id"])
        self._keys.delete(scope, key["id"])
        self._digests.delete(scope, key["digest"])
        self._entitled.clear()

    def find(self, scope: Scope, value: str) -> tuple[Document, list[Document]] | None:
        """The key of a value, with the value in it, and the plans it is in. The lookup is by hash alone."""
        digest = digest_of(value)
        found = self._entitled.get((scope, digest))
        if found is None:
            known = self._digests.get(scope, digest)
            key = self._keys.get(scope, known["id"]) if known else None
            if key is None:
                return None
            found = self._entitled[scope, digest] = key | {"value": value}, self.plans_of(scope, key["id"])
        return found

    # Usage plans

    def plans(self, scope: Scope) -> list[Document]:
        return [document for _, document in self._plans.items(scope)]

    def plan(self, scope: Scope, plan: str) -> Document | None:
        return self._plans.get(scope, plan)

    def save_plan(self, scope: Scope, plan: Document) -> None:
        self._plans.put(scope, plan["id"], plan)
        self._entitled.clear()

    def delete_plan(self, scope: Scope, plan: str) -> None:
        for key in self.members(scope, plan):
            self.leave(scope, plan, key["id"])
        self._plans.delete(scope, plan)
        self._db.write("DELETE FROM apigateway_usage WHERE plan=?", (plan,))
        self._db.write("DELETE FROM apigateway_extensions WHERE plan=?", (plan,))
        self._entitled.clear()

    def members(self, scope: Scope, plan: str) -> list[Document]:
        found = [self.get(scope, id_.rpartition("/")[2]) for id_, _ in self._members.items(scope, f"{plan}/")]
        return [key for key in found if key is not None]

    def plans_of(self, scope: Scope, key: str) -> list[Document]:
        found = [
            self.plan(scope, id_.rpartition("/")[2]) for id_, _ in self._memberships.items(scope, f"{key}/")
        ]
        return [plan for plan in found if plan is not None]

    def is_member(self, scope: Scope, plan: str, key: str) -> bool:
        return self._members.get(scope, f"{plan}/{key}") is not None

    def join(self, scope: Scope, plan: str, key: str) -> None:
        self._members.put(scope, f"{plan}/{key}", {})
        self._memberships.put(scope, f"{key}/{plan}", {})
        self._entitled.clear()

    def leave(self, scope: Scope, plan: str, key: str) -> None:
        self._members.delete(scope, f"{plan}/{key}")
        self._memberships.delete(scope, f"{key}/{plan}")
        self._entitled.clear()

    # Usage

    def count(self, plan: str, key: str, day: str) -> None:
        self._db.write(
            "INSERT INTO apigateway_usage VALUES (?, ?, ?, 1)"
            " ON CONFLICT (plan, key, day) DO UPDATE SET used=used+1",
            (plan, key, day),
        )

    def used(self, plan: str, key: str, first: str, last: str) -> dict[str, int]:
        """Requests by day, from the first to the last, both ``YYYY-MM-DD``; days without any are left out."""
        rows = self._db.rows(
            "SELECT day, used FROM apigateway_usage WHERE plan=? AND key=? AND day>=? AND day<=?",
            (plan, key, first, last),
        )
        return dict(rows)

    def extension(self, plan: str, key: str, start: str) -> int:
        row = self._db.row(
            "SELECT extra FROM apigateway_extensions WHERE plan=? AND key=? AND day=?", (plan, key, start)
        )
        return row[0] if row else 0

    def set_extension(self, plan: str, key: str, start: str, extra: int) -> None:
        self._db.write("REPLACE INTO apigateway_extensions VALUES (?, ?, ?, ?)", (plan, key, start, extra))
