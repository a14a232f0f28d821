"""DynamoDB Streams: every change of a table as a record, kept for a day.

A stream has one shard, which closes with the stream. A record is written in the transaction of its change.
Sequence numbers count through the whole cloud, so that they never go back.
"""

import binascii
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any

import orjson

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Result
from maycloud.services.dynamodb.requests import key_of
from maycloud.services.dynamodb.store import Document, Table, not_found
from maycloud.services.dynamodb.values import Item, item_size
from maycloud.store import Scope, Store

LIFE = 86_400.0  # seconds a record is kept
ITERATOR_LIFE = 900.0  # says the API reference of GetShardIterator
MAX_LISTED = 100
MAX_RECORDS = 1000
MAX_BYTES = 1 << 20

_ARN = re.compile(r"arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]+/stream/[0-9T:.-]+")
_LAST = (1 << 63) - 1  # the database holds no more
_BASE = 100_000_000_000_000_000_000  # sequence numbers have 21 digits, as AWS's have


class Streams:
    def __init__(self, store: Store) -> None:
        self._db = store.db

    def open(self, table: Table, view: str, now: float) -> tuple[int, str]:
        """Begin a stream; gives its id and label."""
        label = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        body = {"view": view, "created": now, "keys": table.body["KeySchema"]}
        row = self._db.write_row(
            "INSERT INTO dynamodb_streams (account, region, tbl, name, label, body)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
            (table.account, table.region, table.id, table.name, label, orjson.dumps(body)),
        )
        assert row is not None
        return row[0], label

    def close(self, stream: int, now: float) -> None:
        """No more records come; those that are there stay readable."""
        row = self._db.row("SELECT body FROM dynamodb_streams WHERE id=?", (stream,))
        if row is not None:
            body = orjson.loads(row[0]) | {"closed": now}
            self._db.write("UPDATE dynamodb_streams SET body=? WHERE id=?", (orjson.dumps(body), stream))

    def record(
        self, table: Table, old: Item | None, new: Item | None, now: float, user: dict[str, str] | None
    ) -> None:
        """Write the record of one change."""
        view = table.body["StreamSpecification"]["StreamViewType"]
        present = new if new is not None else old
        assert present is not None
        change: Document = {
            "ApproximateCreationDateTime": int(now),
            "Keys": key_of(table.schema, present),
            "StreamViewType": view,
        }
        size = item_size(change["Keys"])
        if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["NewImage"] = new
            size += item_size(new)
        if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            change["OldImage"] = old
            size += item_size(old)
        change["SizeBytes"] = size
        name = "MODIFY" if old is not None and new is not None else "INSERT" if new is not None else "REMOVE"
        record: Document = {"eventName": name, "dynamodb": change, "awsRegion": table.region}
        if user is not None:
            record["userIdentity"] = user
        self._db.write(
            "INSERT INTO dynamodb_records VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM dynamodb_records"
            " WHERE stream=?1), ?2, ?3)",
            (table.stream, now, orjson.dumps(record)),
        )

    def find(self, scope: Scope, arn: str) -> tuple[int, str, str, Document]:
        """Id, table's name, label and body. Raises ResourceNotFoundException."""
        if _ARN.fullmatch(arn) is None:
            raise validation(f"Invalid StreamArn: {arn}")
        head, _, label = arn.partition("/stream/")
        name = head.rpartition(":table/")[2]
        row = self._db.row(
            "SELECT id, name, label, body FROM dynamodb_streams WHERE account=? AND region=? AND name=?"
            " AND label=?",
            (*scope, name, label),
        )
        if row is None or head != f"arn:aws:dynamodb:{scope[1]}:{scope[0]}:table/{name}":
            raise not_found(f"Requested resource not found: Stream: {arn} not found")
        return row[0], row[1], row[2], orjson.loads(row[3])

    def all_of(self, scope: Scope, table: str | None) -> list[tuple[str, str, Document]]:
        rows = self._db.rows(
            "SELECT name, label, body FROM dynamodb_streams WHERE account=? AND region=?"
            " AND (?3 IS NULL OR name=?3) ORDER BY id",
            (*scope, table),
        )
        return [(name, label, orjson.loads(body)) for name, label, body in rows]

    def read(self, stream: int, start: int, limit: int) -> list[tuple[int, Document]]:
        rows = self._db.rows(
            "SELECT seq, body FROM dynamodb_records WHERE stream=? AND seq>=? ORDER BY seq LIMIT ?",
            (stream, start, limit),
        )
        return [(seq, orjson.loads(body)) for seq, body in rows]

    def at_time(self, stream: int, time: float) -> int | None:
        """The first sequence number of that time or later."""
        row = self._db.row("SELECT min(seq) FROM dynamodb_records WHERE stream=? AND time>=?", (stream, time))
        assert row is not None
        return row[0]

    def bounds(self, stream: int) -> tuple[int, int]:
        """The oldest sequence number there is, and the next one to come."""
        row = self._db.row("SELECT min(seq), max(seq) FROM dynamodb_records WHERE stream=?", (stream,))
        assert row is not None
        return (row[0] or 1, (row[1] or 0) + 1)

    def trim(self, now: float) -> None:
        """Drop records older than a day, and streams closed for as long.

        A stream's newest record stays, so that sequence numbers go on from it.
        """
        self._db.write(
            "DELETE FROM dynamodb_records WHERE time<? AND seq<"
            "(SELECT max(seq) FROM dynamodb_records AS newest WHERE newest.stream=dynamodb_records.stream)",
            (now - LIFE,),
        )
        for id_, body in self._db.rows("SELECT id, body FROM dynamodb_streams"):
            if orjson.loads(body).get("closed", now) < now - LIFE:
                self._db.write("DELETE FROM dynamodb_records WHERE stream=?", (id_,))
                self._db.write("DELETE FROM dynamodb_streams WHERE id=?", (id_,))


def arn_of(scope: Scope, name: str, label: str) -> str:
    return f"arn:aws:dynamodb:{scope[1]}:{scope[0]}:table/{name}/stream/{label}"


def stream_arn(_call: Call, params: Params) -> str:
    return params["StreamArn"]


def _shard(stream: int, body: Document) -> str:
    return f"shardId-{int(body['created'] * 1000):020d}-{stream:08x}"


def sequence(seq: int) -> str:
    return str(_BASE + seq)


def _check_limit(params: Params, most: int) -> None:
    """Upper limits that the model leaves to the documentation."""
    if params.get("Limit", 0) > most:
        raise validation(
            f"1 validation error detected: Value '{params['Limit']}' at 'limit' failed to satisfy constraint:"
            f" Member must have value less than or equal to {most}"
        )


def describe_stream(call: Call, params: Params) -> Result:
    _check_limit(params, MAX_LISTED)
    stream, name, label, body = call.state.streams.find(call.scope, params["StreamArn"])
    first, _ = call.state.streams.bounds(stream)
    numbers = {"StartingSequenceNumber": sequence(first)}
    if "closed" in body:
        numbers["EndingSequenceNumber"] = sequence(call.state.streams.bounds(stream)[1] - 1)
    shard = {"ShardId": _shard(stream, body), "SequenceNumberRange": numbers}
    shards = [shard]
    if params.get("ExclusiveStartShardId", "") >= shard["ShardId"] or "ShardFilter" in params:
        shards = []  # what a filter asks for are a shard's children, and none has any
    return {
        "StreamDescription": {
            "StreamArn": params["StreamArn"],
            "StreamLabel": label,
            "StreamStatus": "DISABLED" if "closed" in body else "ENABLED",
            "StreamViewType": body["view"],
            "CreationRequestDateTime": body["created"],
            "TableName": name,
            "KeySchema": body["keys"],
            "Shards": shards,
        }
    }


def list_streams(call: Call, params: Params) -> Result:
    _check_limit(params, MAX_LISTED)
    wanted = params.get("TableName")
    if wanted is not None and wanted.startswith("arn:"):
        wanted = wanted.rpartition(":table/")[2]
    found = [
        {"StreamArn": arn_of(call.scope, name, label), "TableName": name, "StreamLabel": label}
        for name, label, _ in call.state.streams.all_of(call.scope, wanted)
    ]
    after = params.get("ExclusiveStartStreamArn")
    if after is not None:
        if _ARN.fullmatch(after) is None:
            raise validation(f"Invalid ExclusiveStartStreamArn: {after}")
        position = next((i for i, each in enumerate(found) if each["StreamArn"] == after), -1)
        found = found[position + 1 :]
    limit = params.get("Limit", 100)
    result: dict[str, Any] = {"Streams": found[:limit]}
    if len(found) > limit:
        result["LastEvaluatedStreamArn"] = found[limit - 1]["StreamArn"]
    return result


def get_shard_iterator(call: Call, params: Params) -> Result:
    streams = call.state.streams
    stream, _, _, body = streams.find(call.scope, params["StreamArn"])
    if params["ShardId"] != _shard(stream, body):
        raise not_found(f"Requested resource not found: Shard does not exist: {params['ShardId']}")
    start = _start(streams, stream, params)
    return {"ShardIterator": _iterator(params["StreamArn"], stream, start, call.now())}


def _start(streams: Streams, stream: int, params: Params) -> int:
    """The sequence number at which a new iterator begins."""
    kind, given = params["ShardIteratorType"], params.get("SequenceNumber")
    first, following = streams.bounds(stream)
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        if given is None:
            raise validation(f"SequenceNumber is required for ShardIteratorType {kind}")
        if not (given.isascii() and given.isdigit() and len(given) == 21) or int(given) < _BASE:
            raise validation(f"Invalid SequenceNumber: {given[:64]}")
        start = min(int(given) - _BASE + (kind == "AFTER_SEQUENCE_NUMBER"), _LAST)
        if start < first:
            raise AwsError(
                "TrimmedDataAccessException",
                "The operation attempted to read past the oldest stream record in a shard",
            )
        return start
    if given is not None:
        raise validation(f"SequenceNumber cannot be specified with ShardIteratorType {kind}")
    if kind != "AT_TIMESTAMP":
        return first if kind == "TRIM_HORIZON" else following
    if params.get("Timestamp") is None:
        raise validation("Timestamp is required for ShardIteratorType AT_TIMESTAMP")
    found = streams.at_time(stream, params["Timestamp"].timestamp())
    return following if found is None else found


def _iterator(arn: str, stream: int, start: int, now: float) -> str:
    return f"{arn}|1|" + b64encode(orjson.dumps([stream, start, now])).decode()


def _read_iterator(text: str) -> tuple[str, int, int, float]:
    arn, _, packed = text.partition("|1|")
    try:
        stream, start, made = orjson.loads(b64decode(packed, validate=True))
        return arn, min(int(stream), _LAST), min(int(start), _LAST), float(made)
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise validation("Invalid ShardIterator") from error


def iterator_arn(_call: Call, params: Params) -> str:
    return params["ShardIterator"].partition("|1|")[0]


def get_records(call: Call, params: Params) -> Result:
    """Records from an iterator on, and the iterator after them; none after a closed shard's end."""
    _check_limit(params, MAX_RECORDS)
    arn, stream, start, made = _read_iterator(params["ShardIterator"])
    if call.now() - made > ITERATOR_LIFE:
        raise AwsError(
            "ExpiredIteratorException",
            "Iterator expired. The iterator was created at time "
            f"{datetime.fromtimestamp(made, UTC):%a %b %d %H:%M:%S UTC %Y} and is now expired.",
        )
    streams = call.state.streams
    found, _, _, body = streams.find(call.scope, arn)
    if found != stream:
        raise validation("Invalid ShardIterator")
    if start < streams.bounds(stream)[0]:
        raise AwsError(
            "TrimmedDataAccessException",
            "The operation attempted to read past the oldest stream record in a shard",
        )
    records: list[Document] = []
    size = 0
    for seq, record in streams.read(stream, start, params.get("Limit", MAX_RECORDS)):
        size += record["dynamodb"]["SizeBytes"]
        if records and size > MAX_BYTES:
            break
        start = seq + 1
        records.append(event_record(seq, record))
    result: dict[str, Any] = {"Records": records}
    if "closed" not in body or records:
        result["NextShardIterator"] = _iterator(arn, stream, start, call.now())
    return result


def event_record(seq: int, record: Document) -> Document:
    """A record as GetRecords answers it."""
    number = sequence(seq)
    return {
        "eventID": f"{seq:032x}",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        **record,
        "dynamodb": record["dynamodb"] | {"SequenceNumber": number},
    }
