"""Ways to spoil a request: before it is signed (`spoil`), and after (`damage`)."""

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import cbor2

from bench.hostile.requests import Draft

_BAD_JSON = (
    b"", b"{", b"[]", b"null", b'"text"', b"{}{}", b"\xff\xfe{}", b'{"a":NaN}', b'{"a":1e999}',
    b'{"TableName":"\\ud800"}', b'{"a":1,"a":2}', b"[" * 5000, b'{"a":' * 5000, b"\x00" * 64,
    b'{"TableName":' + b"9" * 5000 + b"}", b"\xef\xbb\xbf{}", b"{'a':1}", b'{"Limit":1.5}',
)  # fmt: skip
_BAD_XML = (
    b"<", b"<a/>", b"<a><b></a>", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    b'<!DOCTYPE a [<!ENTITY a0 "x"><!ENTITY a1 "&a0;&a0;&a0;">]><a>&a1;</a>', b"<a>" * 3000,
    b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<a>\x00</a>", b"<a xmlns:b='c'><b:d/></a>",
)  # fmt: skip
_BAD_CBOR = (
    b"", b"\xff", b"\xbf", b"\x9f" * 2000, b"\xbb" + b"\xff" * 8, b"\x5b" + b"\x7f" * 8, b"\xc2\x40",
    b"\xd8\x1c\x80",
    b"\xa1\x61a\xf9\x7e\x00", b"\xa1\x01\x02", b"\x7f\x61a\x41b\xff", b"\xc1\xfb" + b"\xff" * 8,
)  # fmt: skip
_BAD_FORM = (
    b"", b"Action", b"Action=", b"Action=%", b"Action=%00", b"=&=&=", b"Action=ListUsers&Version=1",
    b"Action=AssumeRole&Version=2011-06-15&Tags.member.999999999999=x", b"%ff%fe=1", b"&" * 5000,
    b"Action=GetCallerIdentity&Version=2011-06-15&Action=CreateUser", b"Action=\xff\xff",
    b"Action=PutMetricData&Version=2010-08-01&MetricData.member.-1.Value=NaN",
)  # fmt: skip
_WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", "x", "a" * 3000, [], [[]], {}, {"S": "x"}, [None], {"": {}}, "\ud800",
    "\x00",
)  # fmt: skip

Spoil = Callable[[random.Random, Draft], None]


def _flip(rng: random.Random, draft: Draft) -> None:
    if draft.body:
        body = bytearray(draft.body)
        for _ in range(rng.choice((1, 1, 3, 10))):
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        draft.body = bytes(body)


def _cut(rng: random.Random, draft: Draft) -> None:
    draft.body = draft.body[: rng.randrange(len(draft.body) + 1)]


def _append(rng: random.Random, draft: Draft) -> None:
    draft.body += rng.randbytes(rng.choice((1, 8, 100)))


def _bad_body(rng: random.Random, draft: Draft) -> None:
    draft.body = rng.choice(rng.choice((_BAD_JSON, _BAD_XML, _BAD_CBOR, _BAD_FORM)))


def _random_body(rng: random.Random, draft: Draft) -> None:
    draft.body = rng.randbytes(rng.choice((1, 16, 256, 4000)))


def _wrong_types(rng: random.Random, draft: Draft) -> None:
    """Put a value of another type somewhere into a document."""
    try:
        if draft.headers.get("smithy-protocol"):
            document = cbor2.loads(draft.body)
            draft.body = cbor2.dumps(_replaced(rng, document))
        else:
            draft.body = json.dumps(_replaced(rng, json.loads(draft.body))).encode("utf-8", "surrogatepass")
    except (ValueError, cbor2.CBORError, OverflowError, RecursionError):
        _flip(rng, draft)


def _replaced(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        roll = rng.random()
        if roll < 0.1:
            return {name: item for name, item in value.items() if name != key}
        if roll < 0.2:
            return value | {rng.choice(("Unknown", "", "__type", "ü")): rng.choice(_WRONG)}
        return value | {key: _replaced(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [*value[:at], _replaced(rng, value[at]), *value[at + 1 :]]
    return rng.choice(_WRONG)


def _unknown_operation(rng: random.Random, draft: Draft) -> None:
    name = rng.choice(("Nothing", "", "a" * 500, "../x", "PutItem.PutItem", "ü", "%41"))
    if "x-amz-target" in draft.headers:
        prefix = draft.headers["x-amz-target"].partition(".")[0]
        draft.headers["x-amz-target"] = rng.choice((f"{prefix}.{name}", name, f".{name}", "a.b.c"))
        if not draft.headers["x-amz-target"].isascii():
            draft.headers["x-amz-target"] = "x"
    elif draft.body.startswith(b"Action="):
        draft.body = b"Action=" + quote(name).encode() + b"&" + draft.body.partition(b"&")[2]
    else:
        draft.path = quote(f"{draft.path}/{name}", safe="/%")


def _path(rng: random.Random, draft: Draft) -> None:
    draft.path = rng.choice(
        (
            "/", "//", "/../../etc/passwd", "/%2e%2e/%2e%2e", "/%", "/%zz", "/%00", "/" + "a/" * 300,
            "/a?b#c",
            "/_may/status", "/_may/clock", "/_may/nothing", "/_aws/", "/_aws/execute-api/x/y/z",
            "/_aws/lambda/code/x",
            "/_aws/lambda/runtime/x/2018-06-01/runtime/invocation/next",
            "/2015-03-31/functions/%2F/invocations",
            "/restapis/%00", "/service/GraniteServiceVersion20100801/operation/" + "x" * 300,
            "/bucket/key%ff",
            draft.path + "%F0%28%8C%28", draft.path.upper(), "/_aws/execute-api/%2e%2e/%2e%2e",
        )
    )  # fmt: skip


def _query(rng: random.Random, draft: Draft) -> None:
    odd = rng.choice(
        (
            "a", "=", "&&&", "%", "%ff=%fe", "max-keys=-1", "max-keys=x", "list-type=2&list-type=3",
            "versionId=%00",
            "Limit=1e5", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Signature=00",
            "Action=ListUsers&Version=2010-05-08",
            "limit=99999999999999999999", "uploads", "acl&policy&tagging", "x-id=" + "x" * 2000, "MaxItems=0",
            "Marker=%ff",
        )
    )  # fmt: skip
    draft.query = odd if rng.random() < 0.3 else f"{draft.query}&{odd}".lstrip("&")


def _header(rng: random.Random, draft: Draft) -> None:
    name, value = rng.choice(
        (
            ("content-type", "text/plain"), ("content-type", "application/x-amz-json-9.9"),
            ("content-type", ""),
            ("content-type", "application/x-www-form-urlencoded"), ("content-type", "application/cbor"),
            ("content-encoding", "gzip"), ("content-encoding", "br"), ("accept", "application/cbor"),
            ("smithy-protocol", "rpc-v2-cbor"), ("smithy-protocol", "rpc-v2-json"), ("range", "bytes=-0"),
            ("range", "bytes=5-1"), ("range", "bytes=99999999999999999999-"), ("if-match", '"x"'),
            ("if-modified-since", "yesterday"), ("x-amz-invocation-type", "Event"),
            ("x-amz-invocation-type", "x"),
            ("x-amz-client-context", "###"), ("content-md5", "x"), ("x-amz-checksum-crc32", "AAAA"),
            ("x-amz-decoded-content-length", "x"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("x-amz-content-sha256", "x"),
            ("x-amz-target", "DynamoDB_20120810.PutItem"), ("x-amz-target", "AmazonSSM.GetParameter"),
            ("x-amz-copy-source", "/%"), ("x-amz-acl", "x"), ("x-amz-meta-" + "a" * 200, "b"),
            ("expect", "100-continue"),
            ("x-amz-user-agent", "\t"), ("x-amz-log-type", "Tail"), ("origin", "null"), ("cookie", "a=b; c"),
        )
    )  # fmt: skip
    draft.headers[name] = value


def _host(rng: random.Random, draft: Draft) -> None:
    draft.host = rng.choice(
        (
            "abc.execute-api.us-east-1.localhost", "bucket.s3.us-east-1.localhost", "s3.localhost", "..",
            "[::1", "[::1]",
            "d.cloudfront.localhost", "x.auth.us-east-1.localhost", "x-1.us-east-1.elb.localhost", "a" * 3000,
            "%", "_",
            "dynamodb.us-east-1.amazonaws.com", "sts.amazonaws.com", "169.254.169.254", "a.b.c.s3.localhost",
            "localhost:x",
        )
    )  # fmt: skip


def _service(rng: random.Random, draft: Draft) -> None:
    draft.service = rng.choice(
        ("s3", "lambda", "dynamodb", "iam", "sts", "apigateway", "monitoring", "nothing", "execute-api")
    )


def _method(rng: random.Random, draft: Draft) -> None:
    draft.method = rng.choice(("GET", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "POST"))


SPOILS: tuple[Spoil, ...] = (
    _flip, _cut, _append, _bad_body, _random_body, _wrong_types, _wrong_types, _wrong_types,
    _unknown_operation, _path,
    _query, _header, _header, _host, _service, _method,
)  # fmt: skip


def spoil(rng: random.Random, draft: Draft) -> None:
    """Spoil what the signature then covers, so that the request gets past it."""
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        rng.choice(SPOILS)(rng, draft)


# After the signature: the bytes on the wire

_GARBAGE = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\r\n" * 50,
    b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 200, b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nx\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\n folded\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1,1\r\n\r\na",
    b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"GET http://[bad/ HTTP/1.1\r\nhost: a\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n",
)  # fmt: skip


def damage(rng: random.Random, wire: bytes, head: int) -> bytes:
    """Bytes that may be HTTP no more; `head` is where the body begins."""
    roll = rng.random()
    if roll < 0.25:
        return rng.choice(_GARBAGE)
    if roll < 0.35:
        return rng.randbytes(rng.choice((1, 10, 100, 2000)))
    if roll < 0.6:
        return wire[: rng.randrange(1, len(wire) + 1)]
    if roll < 0.8:
        at = rng.randrange(head)
        return wire[:at] + bytes([wire[at] ^ (1 << rng.randrange(8))]) + wire[at + 1 :]
    lengths = (b"0", b"1", b"99999", b"18446744073709551616", b"1e3", b"+5", b"0x5", b" ")
    name = b"content-length: "
    at = wire.find(name)
    if at < 0:
        return wire
    end = wire.index(b"\r\n", at)
    return wire[: at + len(name)] + rng.choice(lengths) + wire[end:]
