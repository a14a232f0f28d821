"""The numbers of attribute lists, by which items on the wire name their attributes."""

import orjson

from maycloud.services.dax.cbor import MalformedError
from maycloud.store import Store

EMPTY_LIST = 1
_MOST_CACHED = 5000
_MOST_BYTES = 256 << 10  # of a list's names; an item may have no more than 400 KB


class AttributeLists:
    """The numbers of one cluster's attribute lists."""

    def __init__(self, store: Store, cluster: str) -> None:
        self._db = store.db
        self._cluster = cluster
        self._names: dict[int, tuple[str, ...]] = store.db.cache()
        self._numbers: dict[tuple[str, ...], int] = store.db.cache()

    def names(self, number: int) -> tuple[str, ...]:
        """Raises MalformedError for a number that this cluster did not give."""
        if number == EMPTY_LIST:
            return ()
        found = self._names.get(number)
        if found is None:
            if not 0 < number < 1 << 62:
                raise MalformedError("an unknown attribute list")
            row = self._db.row(
                "SELECT names FROM dax_attributes WHERE id=? AND cluster=?", (number, self._cluster)
            )
            if row is None:
                raise MalformedError("an unknown attribute list")
            found = tuple(orjson.loads(row[0]))
            self._remember(number, found)
        return found

    def number(self, names: tuple[str, ...]) -> int:
        """The list's number, a new one if it was not seen before."""
        if not names:
            return EMPTY_LIST
        found = self._numbers.get(names)
        if found is None:
            text = orjson.dumps(names).decode()
            if len(text) > _MOST_BYTES:
                raise MalformedError("an attribute list that is too long")
            given = (self._cluster, text)
            row = self._db.row("SELECT id FROM dax_attributes WHERE cluster=? AND names=?", given)
            if row is None:
                sql = "INSERT INTO dax_attributes (cluster, names) VALUES (?, ?) RETURNING id"
                row = self._db.write_row(sql, given)
            assert row is not None
            found = row[0]
            assert isinstance(found, int)
            self._remember(found, names)
        return found

    def _remember(self, number: int, names: tuple[str, ...]) -> None:
        if len(self._names) >= _MOST_CACHED:
            self._names.clear()
            self._numbers.clear()
        self._names[number] = names
        self._numbers[names] = number
