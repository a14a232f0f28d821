"""CloudFront's pure parts: patterns, keys, lifetimes, ranges, the cache."""

from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.addresses import Addresses
from maycloud.edge.messages import Request
from maycloud.services.cloudfront.behaviors import (
    S3_HOST,
    Choice,
    CustomError,
    choose_cookies,
    choose_query,
    pattern_of,
)
from maycloud.services.cloudfront.cache import Cache, Entry
from maycloud.services.cloudfront.compression import accepted, worthwhile
from maycloud.services.cloudfront.freshness import (
    byte_range,
    error_lifetime,
    lifetime,
    ranges_apply,
    unchanged,
)
from maycloud.services.cloudfront.pages import EdgeError
from maycloud.services.cloudfront.requests import locate, normalized
from maycloud.services.cloudfront.store import domain_of, id_of, new_id

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.jpg", "/a/b.jpg", True), ("/*.jpg", "/a.jpg", True), ("*.jpg", "/a.jpg2", False),
        ("images/*", "/images/", True), ("/images/*", "/images", False), ("/a?c", "/abc", True),
        ("/a?c", "/ac", False), ("/A*", "/abc", False), ("/a.b", "/aXb", False), ("*", "/", True),
        ("/a*c*", "/abbcd", True), ("/[ab]", "/a", False), ("/x/*", "/x/\n", True),
    ],
)  # fmt: skip
def test_path_patterns(pattern: str, path: str, fits: bool) -> None:
    assert bool(pattern_of(pattern).fullmatch(path)) is fits


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/a/b", "/a/b"), ("/a/../b", "/b"), ("/../../b", "/b"), ("/a/./b/", "/a/b/"), ("/%61", "/a"),
        ("/a%2f..%2fb", "/b"), ("/a/..", "/"), ("/.well-known/x", "/.well-known/x"), ("/", "/"),
        ("/a//b", "/a//b"), ("//x/../y", "/y"), ("/%C3%A9", "/é"), ("/a/.", "/a/"),
    ],
)  # fmt: skip
def test_paths_as_patterns_see_them(path: str, seen: str) -> None:
    assert normalized(path) == seen


@given(st.lists(st.sampled_from(["a", "..", ".", "%2e%2e", "", "%2F", "b%2f.."]), max_size=8))
def test_no_path_climbs(parts: list[str]) -> None:
    seen = normalized("/" + "/".join(parts))
    assert seen.startswith("/")
    assert not {"..", "."} & set(seen.split("/"))


@pytest.mark.parametrize("path", ["/%00", "/%ff"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(EdgeError):
        normalized(path)


@pytest.mark.parametrize(
    ("host", "bucket", "region"),
    [
        ("b-1.s3.amazonaws.com", "b-1", None), ("b.c.s3.eu-west-1.amazonaws.com", "b.c", "eu-west-1"),
        ("bkt.s3-us-west-2.amazonaws.com", "bkt", "us-west-2"),
        ("bkt.s3.dualstack.us-east-1.amazonaws.com", "bkt", "us-east-1"),
    ],
)  # fmt: skip
def test_hosts_of_buckets(host: str, bucket: str, region: str | None) -> None:
    match = S3_HOST.fullmatch(host)
    assert match is not None
    assert (match["bucket"], match["region"]) == (bucket, region)


@pytest.mark.parametrize(
    "host", ["b.s3-website-us-east-1.amazonaws.com", "example.com", "s3.amazonaws.com", "b.s3.evil.com"]
)
def test_hosts_that_are_no_buckets(host: str) -> None:
    assert S3_HOST.fullmatch(host) is None


def test_choices_of_queries_and_cookies() -> None:
    some, others = Choice("whitelist", frozenset({"a"})), Choice("allExcept", frozenset({"a"}))
    assert choose_query("b=1&a=2&a=3&c", some) == "a=2&a=3"
    assert choose_query("b=1&%61=2&c", others) == "b=1&c"
    assert choose_query("b=1", Choice("all")) == "b=1"
    assert choose_query("b=1", Choice("none")) == ""
    assert choose_cookies(b"b=1; a=2;c=3", some) == b"a=2"
    assert choose_cookies(b"b=1; a=2;c=3", others) == b"b=1; c=3"


def lasts(control: str, ttl: tuple[int, int, int], expires: float | None = None) -> float:
    headers = {b"cache-control": control.encode()} if control else {}
    if expires is not None:
        headers[b"expires"] = formatdate(NOW + expires, usegmt=True).encode()
    return lifetime(headers, ttl, NOW)


@pytest.mark.parametrize(
    ("control", "ttl", "seconds"),
    [
        ("", (0, 60, 100), 60), ("", (80, 60, 100), 80), ("max-age=30", (0, 60, 100), 30),
        ("max-age=30", (50, 60, 100), 50), ("max-age=1000", (0, 60, 100), 100),
        ("s-maxage=5, max-age=50", (0, 60, 100), 5), ("no-store", (0, 60, 100), 0),
        ("no-cache, max-age=50", (0, 60, 100), 0), ("private", (7, 60, 100), 7),
        ("max-age=junk", (0, 60, 100), 0), ("MAX-AGE=30", (0, 60, 100), 30),
        ('max-age="9"', (0, 1, 100), 9),
    ],
)  # fmt: skip
def test_lifetimes(control: str, ttl: tuple[int, int, int], seconds: float) -> None:
    assert lasts(control, ttl) == seconds


def test_expires() -> None:
    assert lasts("", (0, 60, 100), expires=40) == 40
    assert lasts("", (0, 60, 100), expires=-40) == 0
    assert lasts("max-age=9", (0, 60, 100), expires=40) == 9
    assert lifetime({b"expires": b"0"}, (0, 60, 100), NOW) == 0


def test_lifetimes_of_errors() -> None:
    assert error_lifetime(404, {}, None, NOW) == 10
    assert error_lifetime(403, {}, None, NOW) == 0
    assert error_lifetime(403, {b"cache-control": b"max-age=5"}, None, NOW) == 5
    assert error_lifetime(404, {}, CustomError("", 404, 0), NOW) == 0
    assert error_lifetime(403, {}, CustomError("/e", 200, 300), NOW) == 300


def test_validators() -> None:
    assert unchanged({b"if-none-match": b'"x", W/"a"'}, b'"a"', None)
    assert unchanged({b"if-none-match": b"*"}, None, None)
    assert not unchanged(
        {b"if-none-match": b'"x"', b"if-modified-since": formatdate(NOW).encode()}, b'"a"', NOW
    )
    assert unchanged({b"if-modified-since": formatdate(NOW, usegmt=True).encode()}, None, NOW)
    assert not unchanged({b"if-modified-since": b"junk"}, None, NOW)
    assert ranges_apply({b"if-range": b'"a"'}, b'"a"', None)
    assert not ranges_apply({b"if-range": b'W/"a"'}, b'W/"a"', None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"bytes=0-3", (0, 4)), (b"bytes=7-", (7, 3)), (b"bytes=-4", (6, 4)), (b"bytes=-40", (0, 10)),
        (b"bytes=8-100", (8, 2)), (b"bytes=3-1", None), (b"bytes=-", None), (b"items=0-1", None),
        (b"bytes=0-1,3-4", None), (b"bytes=a-b", None), ("bytes=\u00b2-".encode("latin-1"), None),
    ],
)  # fmt: skip
def test_byte_ranges(text: bytes, found: Any) -> None:
    assert byte_range(text, 10) == found


@pytest.mark.parametrize("text", [b"bytes=10-", b"bytes=-0", b"bytes=99-100"])
def test_ranges_out_of_reach(text: bytes) -> None:
    with pytest.raises(ValueError, match="not satisfiable"):
        byte_range(text, 10)


@pytest.mark.parametrize(
    ("header", "encodings", "chosen"),
    [
        (b"gzip, deflate, br", ("br", "gzip"), ("br", "gzip")), (b"br", ("gzip",), ()),
        (b"*", ("gzip",), ("gzip",)), (b"gzip;q=0, br", ("br", "gzip"), ("br",)),
        (b"gzip; q=0.5", ("gzip",), ("gzip",)), (b"identity", ("gzip",), ()), (b"gzip", (), ()),
        (b"GZIP", ("gzip",), ("gzip",)),
    ],
)  # fmt: skip
def test_accepted_encodings(header: bytes, encodings: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    assert accepted(header, encodings) == chosen


def test_what_is_worth_compressing() -> None:
    html = {b"content-type": b"text/html; charset=utf-8"}
    assert worthwhile(200, html, 1000)
    assert not worthwhile(200, html, 999)
    assert not worthwhile(200, html, 10_000_001)
    assert not worthwhile(206, html, 5000)
    assert not worthwhile(200, html | {b"content-encoding": b"gzip"}, 5000)
    assert not worthwhile(200, {b"content-type": b"image/png"}, 5000)


def entry(uri: str, size: int = 10, distribution: str = "E1") -> Entry:
    return Entry(200, [], b"x" * size, distribution, uri, NOW, NOW + 60)


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = Cache(limit=4 * (1024 + 100))
    for key in "abcd":
        cache.put(key, entry(f"/{key}", 100))
    cache.get("a")
    cache.put("e", entry("/e", 100))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert len(cache) == 4
    cache.put("a", entry("/a", 10))
    assert cache.size == 4 * 1024 + 310


def test_the_cache_forgets_what_invalidations_name() -> None:
    cache = Cache()
    uris = ["/a", "/a?v=1", "/b/c", "/b/d é", "/z"]
    for uri in uris:
        cache.put(uri, entry(uri))
    cache.put("other", entry("/a", distribution="E2"))
    cache.forget("E1", ["/a", "/b/d%20%C3%A9"])
    assert [uri for uri in uris if cache.get(uri)] == ["/a?v=1", "/b/c", "/z"]
    cache.forget("E1", ["/a*", "/b/*"])
    assert [uri for uri in uris if cache.get(uri)] == ["/z"]
    assert cache.get("other") is not None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3000)), max_size=40))
def test_the_cache_never_outgrows_its_limit(puts: list[tuple[str, int]]) -> None:
    cache = Cache(limit=10_000)
    for key, size in puts:
        cache.put(key, entry(key, size))
        assert cache.size <= 10_000
    assert (cache.size == 0) == (len(cache) == 0)


def test_ids_and_domains_lead_to_each_other() -> None:
    id_ = new_id()
    assert id_of(domain_of(id_).partition(".")[0]) == id_
    assert id_of(id_.lower()) == id_
    assert id_of("x123") == ""

    def no_alias(_host: bytes) -> str:
        return ""

    for host, target in (
        (domain_of(id_), "/a"), (f"{id_}.cloudfront.localhost:4566", "/a"),
        ("localhost", f"/_aws/cloudfront/{id_}/a"),
    ):  # fmt: skip
        assert locate(Request("GET", target, [(b"host", host.encode())], b""), no_alias) == (id_, "/a")
    assert locate(Request("GET", f"/_aws/cloudfront/{id_}", [(b"host", b"h")], b""), no_alias) == (id_, "/")


def test_addresses_of_stacks() -> None:
    text = "see https://d0123456789abc.cloudfront.net/a and http://d0123456789abc.cloudfront.net.evil.com"
    named = Addresses(1, host_form=True).localize(text)
    assert named.startswith("see https://d0123456789abc.cloudfront.localhost:1/a and http://d0123456789abc.c")
    assert named.endswith(".cloudfront.net.evil.com")
    by_path = Addresses(1, host_form=False).localize("https://d0123456789abc.cloudfront.net")
    assert by_path == "https://localhost:1/_aws/cloudfront/d0123456789abc"
