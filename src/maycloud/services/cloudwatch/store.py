"""Metric series and their data points, summed up by second or minute as they arrive."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from maycloud.store import Scope, Store

SCHEMA = (
    "CREATE TABLE cloudwatch_series (id INTEGER PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL,"
    " namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL, latest INTEGER NOT NULL)",
    "CREATE UNIQUE INDEX cloudwatch_series_key ON cloudwatch_series"
    " (account, region, namespace, name, dimensions)",
    "CREATE TABLE cloudwatch_points (series INTEGER, time INTEGER, unit TEXT, count REAL NOT NULL,"
    " sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL, spread BLOB NOT NULL,"
    " PRIMARY KEY (series, time, unit)) WITHOUT ROWID",
)

# Values are counted in buckets 2 % wide, which is how far a percentile may be off.
_BASE = math.log(1.02)


def bucket_of(value: float) -> int:
    """The number of the bucket a value falls into; buckets are ordered as values are."""
    if value == 0:
        return 0
    exponent = math.ceil(math.log(abs(value)) / _BASE) + 40_000  # always positive for a float
    return exponent if value > 0 else -exponent


def value_of(bucket: int) -> float:
    """The upper bound of a bucket."""
    if bucket == 0:
        return 0.0
    value = math.exp((abs(bucket) - 40_000) * _BASE)
    return value if bucket > 0 else -value


@dataclass(slots=True)
class Point:
    """What was measured within a time: a statistic set with the spread of its values."""

    count: float = 0.0
    sum: float = 0.0
    min: float = math.inf
    max: float = -math.inf
    spread: dict[int, float] = field(default_factory=dict[int, float])

    def add(self, value: float, times: float = 1.0) -> None:
        self.count += times
        self.sum += value * times
        self.min = min(self.min, value)
        self.max = max(self.max, value)
        bucket = bucket_of(value)
        self.spread[bucket] = self.spread.get(bucket, 0.0) + times

    def merge(self, other: "Point") -> None:
        self.count += other.count
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)
        for bucket, times in other.spread.items():
            self.spread[bucket] = self.spread.get(bucket, 0.0) + times

    def percentile(self, percent: float) -> float:
        """The value below which `percent` of the samples lie, within a bucket's width."""
        wanted = self.count * percent / 100
        passed = 0.0
        for bucket in sorted(self.spread):
            passed += self.spread[bucket]
            if passed >= wanted:
                return min(max(value_of(bucket), self.min), self.max)
        return self.max


Dimensions = list[dict[str, str]]


class Metrics:
    """Reads and writes series of one cloud."""

    def __init__(self, store: Store) -> None:
        self._db = store.db
        self._ids = store.db.cache()

    def series(self, scope: Scope, namespace: str, name: str, dimensions: Dimensions) -> int | None:
        key = (*scope, namespace, name, dimension_key(dimensions))
        found = self._ids.get(key)
        if found is None:
            row = self._db.row(
                "SELECT id FROM cloudwatch_series WHERE account=? AND region=? AND namespace=? AND name=?"
                " AND dimensions=?",
                key,
            )
            if row is None:
                return None
            found = self._ids[key] = row[0]
        return found

    def add(
        self,
        scope: Scope,
        metric: tuple[str, str, Dimensions],
        moment: tuple[int, str],
        point: Point,
    ) -> None:
        """Merge a point into `metric` (namespace, name, dimensions) at `moment` (second, unit)."""
        namespace, name, dimensions = metric
        time, unit = moment
        series = self.series(scope, namespace, name, dimensions)
        if series is None:
            row = self._db.write_row(
                "INSERT INTO cloudwatch_series (account, region, namespace, name, dimensions, latest)"
                " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (*scope, namespace, name, dimension_key(dimensions), time),
            )
            assert row is not None
            series = row[0]
        row = self._db.row(
            "SELECT count, sum, min, max, spread FROM cloudwatch_points WHERE series=? AND time=? AND unit=?",
            (series, time, unit),
        )
        if row is not None:
            earlier = _point(row)
            earlier.merge(point)
            point = earlier
        spread = orjson.dumps(point.spread, option=orjson.OPT_NON_STR_KEYS)
        self._db.write(
            "REPLACE INTO cloudwatch_points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (series, time, unit, point.count, point.sum, point.min, point.max, spread),
        )
        self._db.write("UPDATE cloudwatch_series SET latest=max(latest, ?) WHERE id=?", (time, series))

    def points(
        self, series: int, start: int, stop: int, period: int, unit: str | None
    ) -> list[tuple[int, str, Point]]:
        """Points of [start, stop), merged by unit and by period from the start, oldest first.

        Each is (time, unit, point).
        """
        rows = self._db.rows(
            "SELECT time, unit, count, sum, min, max, spread FROM cloudwatch_points"
            " WHERE series=? AND time>=? AND time<? AND (?4 IS NULL OR unit=?4) ORDER BY time",
            (series, start, stop, unit),
        )
        merged: dict[tuple[int, str], Point] = {}
        for time, found_unit, *rest in rows:
            key = (time - (time - start) % period, found_unit)
            merged.setdefault(key, Point()).merge(_point(rest))
        return [(time, found_unit, point) for (time, found_unit), point in merged.items()]

    def active(self, scope: Scope, since: int) -> Iterable[tuple[str, str, Dimensions]]:
        """Namespace, name and dimensions of every series with data since a time."""
        for namespace, name, dimensions in self._db.rows(
            "SELECT namespace, name, dimensions FROM cloudwatch_series WHERE account=? AND region=?"
            " AND latest>=? ORDER BY namespace, name, dimensions",
            (*scope, since),
        ):
            yield namespace, name, orjson.loads(dimensions)


def dimension_key(dimensions: Dimensions) -> str:
    """Dimensions in one order, as text: the same set is the same series."""
    pairs = [{"Name": pair["Name"], "Value": pair["Value"]} for pair in dimensions]
    return orjson.dumps(sorted(pairs, key=lambda pair: pair["Name"])).decode()


def _point(row: Any) -> Point:
    count, total, low, high, spread = row
    return Point(count, total, low, high, {int(k): v for k, v in orjson.loads(spread).items()})
