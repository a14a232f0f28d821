"""Tables of CloudFormation: stacks, their resources, events, change sets, exports and imports."""

import uuid
from typing import Any

import orjson

from maycloud.store import Scope, Store

Record = dict[str, Any]

SCHEMA = (
    "CREATE TABLE cloudformation_stacks (id TEXT PRIMARY KEY, account TEXT, region TEXT, name TEXT,"
    " live INTEGER, created REAL, body BLOB) WITHOUT ROWID",
    "CREATE INDEX cloudformation_stack_names ON cloudformation_stacks (account, region, name)",
    "CREATE TABLE cloudformation_resources (stack TEXT, logical TEXT, body BLOB,"
    " PRIMARY KEY (stack, logical)) WITHOUT ROWID",
    "CREATE TABLE cloudformation_events (seq INTEGER PRIMARY KEY AUTOINCREMENT, stack TEXT, body BLOB)",
    "CREATE INDEX cloudformation_event_stacks ON cloudformation_events (stack, seq)",
    "CREATE TABLE cloudformation_changesets (id TEXT PRIMARY KEY, stack TEXT, name TEXT, created REAL,"
    " body BLOB) WITHOUT ROWID",
    "CREATE INDEX cloudformation_changeset_names ON cloudformation_changesets (stack, name)",
    "CREATE TABLE cloudformation_exports (account TEXT, region TEXT, name TEXT, stack TEXT, value TEXT,"
    " PRIMARY KEY (account, region, name)) WITHOUT ROWID",
    "CREATE TABLE cloudformation_imports (account TEXT, region TEXT, name TEXT, stack TEXT,"
    " PRIMARY KEY (account, region, name, stack)) WITHOUT ROWID",
)


class Stacks:
    """Records are plain JSON dictionaries. A stack's has ``id``, ``name``, ``account``, ``region``,
    ``status``, ``created`` and what the engine and the operations put into it."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._clock = store.clock

    # Stacks

    def get(self, stack_id: str) -> Record | None:
        row = self._db.row("SELECT body FROM cloudformation_stacks WHERE id=?", (stack_id,))
        return orjson.loads(row[0]) if row else None

    def find(self, scope: Scope, name: str) -> Record | None:
        """By name among those that are not deleted, or by id among all of the account and region."""
        if name.startswith("arn:"):
            stack = self.get(name)
            return stack if stack and (stack["account"], stack["region"]) == scope else None
        row = self._db.row(
            "SELECT body FROM cloudformation_stacks WHERE account=? AND region=? AND name=? AND live=1",
            (*scope, name),
        )
        return orjson.loads(row[0]) if row else None

    def all(self, scope: Scope) -> list[Record]:
        """Newest first, deleted ones too."""
        rows = self._db.rows(
            "SELECT body FROM cloudformation_stacks WHERE account=? AND region=? ORDER BY created DESC",
            scope,
        )
        return [orjson.loads(row[0]) for row in rows]

    def put(self, stack: Record) -> None:
        self._db.write(
            "REPLACE INTO cloudformation_stacks VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                stack["id"],
                stack["account"],
                stack["region"],
                stack["name"],
                int(stack["status"] != "DELETE_COMPLETE"),
                stack["created"],
                orjson.dumps(stack),
            ),
        )

    # Resources

    def resource(self, stack_id: str, logical_id: str) -> Record | None:
        row = self._db.row(
            "SELECT body FROM cloudformation_resources WHERE stack=? AND logical=?", (stack_id, logical_id)
        )
        return orjson.loads(row[0]) if row else None

    def resources(self, stack_id: str) -> dict[str, Record]:
        rows = self._db.rows(
            "SELECT logical, body FROM cloudformation_resources WHERE stack=? ORDER BY logical", (stack_id,)
        )
        return {logical_id: orjson.loads(body) for logical_id, body in rows}

    def put_resource(self, stack_id: str, row: Record) -> None:
        row["updated"] = self._clock.time()
        self._db.write(
            "REPLACE INTO cloudformation_resources VALUES (?, ?, ?)",
            (stack_id, row["logical_id"], orjson.dumps(row)),
        )

    def drop_resource(self, stack_id: str, logical_id: str) -> None:
        self._db.write(
            "DELETE FROM cloudformation_resources WHERE stack=? AND logical=?", (stack_id, logical_id)
        )

    def owner(self, scope: Scope, physical_id: str) -> Record | None:
        """The live stack that has a resource of this physical id."""
        for stack in self.all(scope):
            if stack["status"] == "DELETE_COMPLETE":
                continue
            if any(row["physical_id"] == physical_id for row in self.resources(stack["id"]).values()):
                return stack
        return None

    # Events

    def add_event(
        self, stack: Record, logical_id: str, type_: str, status: str, *, event_id: str = "", **members: Any
    ) -> None:
        """`members` are further ones of a StackEvent, left out where empty."""
        event = {
            "StackId": stack["id"],
            "EventId": event_id or str(uuid.uuid4()),
            "StackName": stack["name"],
            "LogicalResourceId": logical_id,
            "ResourceType": type_,
            "ResourceStatus": status,
            "Timestamp": self._clock.time(),
            **{name: value for name, value in members.items() if value or name == "PhysicalResourceId"},
        }
        self._db.write(
            "INSERT INTO cloudformation_events (stack, body) VALUES (?, ?)",
            (stack["id"], orjson.dumps(event)),
        )

    def events(self, stack_id: str, before: int | None, limit: int) -> list[tuple[int, Record]]:
        """Newest first, from below the sequence number `before`."""
        rows = self._db.rows(
            "SELECT seq, body FROM cloudformation_events WHERE stack=? AND seq<? ORDER BY seq DESC LIMIT ?",
            (stack_id, 1 << 62 if before is None else before, limit),
        )
        return [(seq, orjson.loads(body)) for seq, body in rows]

    # Change sets

    def change_set(self, stack_id: str, name: str) -> Record | None:
        """The newest of the name: those that were executed leave their names free."""
        row = self._db.row(
            "SELECT body FROM cloudformation_changesets WHERE stack=? AND name=? ORDER BY created DESC",
            (stack_id, name),
        )
        return orjson.loads(row[0]) if row else None

    def change_set_by_id(self, id_: str) -> Record | None:
        row = self._db.row("SELECT body FROM cloudformation_changesets WHERE id=?", (id_,))
        return orjson.loads(row[0]) if row else None

    def change_sets(self, stack_id: str) -> list[Record]:
        rows = self._db.rows(
            "SELECT body FROM cloudformation_changesets WHERE stack=? ORDER BY created", (stack_id,)
        )
        return [orjson.loads(row[0]) for row in rows]

    def put_change_set(self, record: Record) -> None:
        self._db.write(
            "REPLACE INTO cloudformation_changesets VALUES (?, ?, ?, ?, ?)",
            (record["id"], record["stack_id"], record["name"], record["created"], orjson.dumps(record)),
        )

    def drop_change_set(self, id_: str) -> None:
        self._db.write("DELETE FROM cloudformation_changesets WHERE id=?", (id_,))

    # Exports and imports

    def export(self, scope: Scope, name: str) -> tuple[str, str] | None:
        """Exporting stack and value."""
        row = self._db.row(
            "SELECT stack, value FROM cloudformation_exports WHERE account=? AND region=? AND name=?",
            (*scope, name),
        )
        return (row[0], row[1]) if row else None

    def exports(self, scope: Scope) -> list[tuple[str, str, str]]:
        """Name, stack and value, by name."""
        rows = self._db.rows(
            "SELECT name, stack, value FROM cloudformation_exports WHERE account=? AND region=?"
            " ORDER BY name",
            scope,
        )
        return [(name, stack, value) for name, stack, value in rows]

    def exports_of(self, stack_id: str) -> dict[str, str]:
        rows = self._db.rows("SELECT name, value FROM cloudformation_exports WHERE stack=?", (stack_id,))
        return {str(name): str(value) for name, value in rows}

    def set_exports(self, scope: Scope, stack_id: str, exports: dict[str, str]) -> None:
        """Make these all the exports of a stack."""
        self._db.write("DELETE FROM cloudformation_exports WHERE stack=?", (stack_id,))
        self._db.write_many(
            "INSERT INTO cloudformation_exports VALUES (?, ?, ?, ?, ?)",
            [(*scope, name, stack_id, value) for name, value in exports.items()],
        )

    def importers(self, scope: Scope, name: str) -> list[str]:
        """Ids of the stacks that import an export."""
        rows = self._db.rows(
            "SELECT stack FROM cloudformation_imports WHERE account=? AND region=? AND name=?", (*scope, name)
        )
        return [row[0] for row in rows]

    def add_import(self, scope: Scope, stack_id: str, name: str) -> None:
        self._db.write("INSERT OR IGNORE INTO cloudformation_imports VALUES (?, ?, ?, ?)",
                       (*scope, name, stack_id))  # fmt: skip

    def set_imports(self, scope: Scope, stack_id: str, names: set[str]) -> None:
        """Make these all the imports of a stack."""
        self._db.write("DELETE FROM cloudformation_imports WHERE stack=?", (stack_id,))
        for name in names:
            self.add_import(scope, stack_id, name)
