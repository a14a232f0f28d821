"""A running cluster: its caches, what it knows of tables, and its way to DynamoDB.

All nodes of a cluster are one here: one address, one pair of caches.
"""

from typing import Any

from maycloud.errors import AwsError, validation
from maycloud.principal import Principal
from maycloud.services.base import Cloud
from maycloud.services.dax import cbor, keys
from maycloud.services.dax.attributes import AttributeLists
from maycloud.services.dax.authorization import Caller, Gate, principal_of
from maycloud.services.dax.caches import Cache, capacity_of
from maycloud.services.dax.cbor import MalformedError, Reader, Value
from maycloud.services.dax.expressions import Path
from maycloud.services.dax.keys import Item, KeySchema
from maycloud.services.dax.metrics import Metrics
from maycloud.services.dax.store import Document

DAX = "dax.amazonaws.com"
_MAX_ITEM = 1 << 20  # bytes; DynamoDB refuses items of more than 400 KB, which here are hardly longer
_SESSION = 3600.0  # seconds of the role's credentials
_SCHEMA_LIFE = 60_000  # milliseconds that a table's key schema is believed; clients do for as long


class Node:
    """What requests of one cluster work with."""

    def __init__(self, cloud: Cloud, scope: tuple[str, str], cluster: Document, metrics: Metrics) -> None:
        db, clock = cloud.store.db, cloud.store.clock
        self.cloud = cloud
        self.account, self.region = scope
        self.name: str = cluster["Name"]
        self.metrics = metrics
        self.lists = AttributeLists(cloud.store, cluster["Id"])
        capacity = capacity_of(cluster["NodeType"])
        self.items = Cache(db, clock, capacity)  # encoded items, None for one that is not there
        self.queries = Cache(db, clock, capacity)
        self._gate = Gate(cloud, self.account, self.region, cluster["Arn"])
        self._role: str = cluster["IamRoleArn"]
        self._schemas: dict[str, tuple[KeySchema, int]] = {}

    def set_ttl(self, records: int, queries: int) -> None:
        """Milliseconds that items and queries stay cached; 0: as long as there is room."""
        self.items.ttl, self.queries.ttl = records, queries

    def check(self, caller: Caller | None, operation: str, enclosing: str = "") -> None:
        """Raises AwsError unless the caller may do the operation on this cluster."""
        principal = principal_of(self.cloud, caller)
        assert caller is not None
        self._gate.check(principal, caller.peer, operation, enclosing)

    def check_writer(self, caller: Caller | None) -> None:
        """Raises AwsError unless the caller may put items in one of the ways that there are."""
        try:
            self.check(caller, "PutItem")
        except AwsError as error:
            for operation, enclosing in (("BatchWriteItem", ""), ("PutItem", "TransactWriteItems")):
                try:
                    self.check(caller, operation, enclosing)
                except AwsError:
                    continue
                return
            raise error

    def count(self, metric: str) -> None:
        self.metrics.count((self.account, self.region), self.name, metric)

    # DynamoDB

    async def dynamodb(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """An operation with the permissions of the cluster's role."""
        return await self.cloud.call(
            "dynamodb",
            operation,
            params,
            as_=self._principal(),
            region=self.region,
            account=self.account,
            context={"aws:CalledVia": [DAX]},
        )

    def _principal(self) -> Principal:
        identities = self.cloud.access.identities
        try:
            return identities.role_session(self._role, "dax", _SESSION, DAX).principal
        except AwsError as error:
            raise AwsError(
                "AccessDeniedException", f"DAX cannot assume the cluster's role {self._role}", 400
            ) from error

    def known_schema(self, table: str) -> KeySchema | None:
        """A table's key schema if it was asked for lately."""
        found = self._schemas.get(table)
        return found[0] if found is not None and found[1] > self.cloud.store.clock.millis() else None

    async def schema(self, table: str, *, fresh: bool = False) -> KeySchema:
        found = self.known_schema(table)
        if found is not None and not fresh:
            return found
        self._schemas.pop(table, None)
        described = await self.dynamodb("DescribeTable", {"TableName": table})
        schema = keys.schema_of(described["Table"])
        if len(self._schemas) >= 1000:
            self._schemas.clear()
        self._schemas[table] = schema, self.cloud.store.clock.millis() + _SCHEMA_LIFE
        return schema

    # Items: the number of a list of attributes, then their values; the key's attributes are left out

    def encode_item(self, schema: KeySchema, item: Item) -> bytes:
        names = tuple(sorted(item.keys() - set(schema.names)))
        out = bytearray()
        cbor.integer(out, self.lists.number(names))
        for name in names:
            cbor.value(out, item[name])
        return bytes(out)

    def decode_item(self, key: Item, data: Any) -> Item:
        """A whole item of its key and its other attributes."""
        if len(cbor.wanted(data, bytes)) > _MAX_ITEM:
            raise validation("Item size has exceeded the maximum allowed size")
        reader = Reader(data)
        item = dict(key)
        for name in self.lists.names(reader.integer()):
            item[name] = reader.value()
        if not reader.ended:
            raise MalformedError("more values than the list has attributes")
        return item

    def encode_part(self, attributes: Item) -> bytes:
        """Some attributes: the number of their list, then a map of values by their place in it."""
        names = tuple(sorted(attributes))
        out = bytearray()
        cbor.integer(out, self.lists.number(names))
        cbor.head(out, 5, len(names))
        for place, name in enumerate(names):
            cbor.integer(out, place)
            cbor.value(out, attributes[name])
        return bytes(out)

    # The item cache

    def keep(self, table: str, schema: KeySchema, key: Item, item: Item | None) -> bytes | None:
        """Cache an item, or that there is none, and give it encoded."""
        encoded = None if item is None else self.encode_item(schema, item)
        identity = (table, *schema.identity(key))
        size = sum(map(len, identity)) + len(encoded or b"")
        self.items.put(identity, encoded, size)
        return encoded

    def kept(self, table: str, schema: KeySchema, key: Item) -> Any:
        """The encoded item, None where it is known not to exist, or MISS."""
        return self.items.get((table, *schema.identity(key)))

    def forget(self, table: str, schema: KeySchema, key: Item) -> None:
        self.items.forget((table, *schema.identity(key)))


def project(paths: list[Path], item: Item) -> bytes:
    """The parts of an item that paths lead to: a map of values by the path's number."""
    found: list[tuple[int, Value]] = []
    for place, path in enumerate(paths):
        value = _follow(item, path)
        if value is not None:
            found.append((place, value))
    out = bytearray()
    cbor.head(out, 5, len(found))
    for place, value in found:
        cbor.integer(out, place)
        cbor.value(out, value)
    return bytes(out)


def _follow(item: Item, path: Path) -> Value | None:
    value: Value | None = item.get(str(path[0]))
    for element in path[1:]:
        if value is None:
            return None
        if isinstance(element, str):
            value = value["M"].get(element) if "M" in value else None
        else:
            listed = value.get("L", [])
            value = listed[element] if element < len(listed) else None
    return value


def check_overlaps(paths: list[Path]) -> None:
    """Refuse a path that is within another: DynamoDB sees only the attributes at the top of them."""
    seen: dict[Path, None] = {}
    for path in sorted(paths, key=len):
        for length in range(1, len(path) + 1):
            if path[:length] in seen:
                one, other = _shown(path[:length]), _shown(path)
                raise validation(
                    "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or"
                    f" rewrite one of these paths; path one: {one}, path two: {other}"
                )
        seen[path] = None


def _shown(path: Path) -> str:
    return "[" + ", ".join(f"[{each}]" if isinstance(each, int) else each for each in path) + "]"
