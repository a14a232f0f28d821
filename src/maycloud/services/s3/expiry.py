"""Carrying out lifecycle rules: once a day, at midnight of UTC, and at the start for the days missed.

What is due depends on the clock and on what is there alone, so that a sweep that was cut short is simply done
again.
"""

import asyncio
import logging
from typing import Any

import orjson

from maycloud.services.base import Cloud
from maycloud.services.s3 import lifecycle, transitions
from maycloud.services.s3.lifecycle import Rule
from maycloud.services.s3.store import Bucket, Buckets
from maycloud.services.s3.transitions import DAY
from maycloud.services.s3.uploads import Uploads
from maycloud.services.s3.versions import Listed, Objects, Version

log = logging.getLogger("maycloud.s3.lifecycle")

_BATCH = 200  # keys looked at before others get their turn


class Expiry:
    """The background job of one cloud."""

    def __init__(self, cloud: Cloud, buckets: Buckets, objects: Objects, uploads: Uploads) -> None:
        self._store = cloud.store
        self._buckets = buckets
        self._objects = objects
        self._uploads = uploads
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._due.set()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        clock = self._store.clock
        while True:
            await self._due.wait()
            self._due.clear()
            now = clock.time()
            timer = clock.call_at((now // DAY + 1) * DAY, self._due.set)
            try:
                await self._sweep(now)
            except asyncio.CancelledError:
                timer.cancel()
                raise
            except Exception:
                # Tomorrow is another day: one bucket's trouble must not end everyone's expiry.
                log.exception("the lifecycle sweep failed")

    async def _sweep(self, now: float) -> None:
        for name in self._buckets.with_setting("lifecycle"):
            after: str | None = ""
            # Looked up at each turn: bucket and rules may have changed in between.
            while after is not None and (bucket := self._buckets.find(name)) is not None:
                after = self._sweep_keys(bucket, after, now)
                if after is None:
                    self._abort_uploads(bucket, now)
                await asyncio.sleep(0)

    def _sweep_keys(self, bucket: Bucket, after: str, now: float) -> str | None:
        """End what is due of the next keys; gives the last of them, None behind the last of all."""
        keys = self._objects.keys_after(bucket, after, _BATCH)
        rules = lifecycle.enabled(bucket)
        with self._store.db.atomic():
            for key in keys if rules else ():
                versions = list(self._objects.versions_from(bucket, key, f"{key}\0", after=False))
                self._sweep_key(bucket, rules, versions, now)
        return keys[-1] if len(keys) == _BATCH else None

    def _sweep_key(self, bucket: Bucket, rules: list[Rule], versions: list[Listed], now: float) -> None:
        newest, *older = versions
        left = len(versions)
        since = newest.modified
        for newer, version in enumerate(older):
            ends = [lifecycle.noncurrent_expires(rule, since, newer) for rule in _applying(rules, version)]
            replaced, since = since, version.modified
            if _is_due(ends, now):
                self._remove(bucket, version)
                left -= 1
            elif not version.marker:
                self._move(bucket, version, rules, (now, replaced, newer))
        if newest.marker:
            if left == 1 and any(_ends_marker(rule, newest, now) for rule in _applying(rules, newest)):
                self._remove(bucket, newest)
        elif _is_due([lifecycle.expires(rule, newest.modified) for rule in _applying(rules, newest)], now):
            self._expire(bucket, newest, now)
        else:
            self._move(bucket, newest, rules, (now, newest.modified, None))

    def _move(
        self, bucket: Bucket, listed: Listed, rules: list[Rule], when: tuple[float, float, int | None]
    ) -> None:
        """Put a version that has come so far into the storage class that it goes to."""
        applying = _applying(rules, listed)
        wanted = transitions.target(applying, listed.size, lifecycle.minimum(bucket), *when)
        if wanted is None:
            return
        found = self._objects.version(bucket, listed.key, listed.version)
        if found is None:
            return
        headers = found.meta["headers"]
        if transitions.goes_down(headers.get("StorageClass", "STANDARD"), wanted):
            headers["StorageClass"] = wanted
            self._objects.save_meta(found)

    def _expire(self, bucket: Bucket, newest: Listed, now: float) -> None:
        """A current version goes behind a delete marker where the bucket keeps versions."""
        if bucket.versioning:
            self._objects.put(bucket, Version(0, newest.key, "", False, True, 0, "", now))
        else:
            self._remove(bucket, newest)

    def _remove(self, bucket: Bucket, listed: Listed) -> None:
        found = self._objects.version(bucket, listed.key, listed.version)
        if found is not None:
            self._objects.remove(bucket, found)

    def _abort_uploads(self, bucket: Bucket, now: float) -> None:
        rules = [rule for rule in lifecycle.enabled(bucket) if "AbortIncompleteMultipartUpload" in rule]
        if not rules:
            return
        for upload in list(self._uploads.uploads_from(bucket, "", None, after=False)):
            applying = lifecycle.applying(rules, upload.key, 0, {})
            if _is_due([lifecycle.aborts(rule, upload.created) for rule in applying], now):
                self._uploads.end(upload, set())


def _applying(rules: list[Rule], version: Listed) -> list[Rule]:
    meta: dict[str, Any] = orjson.loads(version.meta)
    return list(lifecycle.applying(rules, version.key, version.size, meta.get("tags", {})))


def _is_due(ends: list[float | None], now: float) -> bool:
    return any(end is not None and end <= now for end in ends)


def _ends_marker(rule: Rule, marker: Listed, now: float) -> bool:
    """A delete marker with nothing behind it: swept up if so asked, or once it is as old as objects get."""
    if rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker"):
        return True
    end = lifecycle.expires(rule, marker.modified)
    return end is not None and end <= now
