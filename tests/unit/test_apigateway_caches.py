"""What bounds stage caches and kept results of authorizers."""

from typing import Any

from maycloud.edge.messages import Response
from maycloud.services.apigateway.authorizing import Results
from maycloud.services.apigateway.caching import MAX_ANSWER, StageCache
from maycloud.services.apigateway.throttling import Throttle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


def cache_of(size: str = "0.5") -> tuple[StageCache, Any]:
    clock: Any = Clock()
    return StageCache(clock, size, None), clock


def test_the_answer_asked_for_longest_ago_goes_first() -> None:
    cache, _ = cache_of(str(8 / (1 << 10)))  # eight mebibytes
    body = b"x" * (MAX_ANSWER - 1000)
    for name in "abcdefgh":
        cache.put((name,), Response(200, [], body), 60)
    assert cache.get(("a",)) is not None
    cache.put(("i",), Response(200, [], body), 60)
    assert cache.get(("b",)) is None
    assert [name for name in "acdefghi" if cache.get((name,)) is None] == []


def test_keys_count_too() -> None:
    """Clients choose query strings and headers: many long ones with short answers are bounded as well."""
    cache, _ = cache_of(str(1 / (1 << 10)))  # a mebibyte
    for number in range(1000):
        cache.put((f"{number:08}" + "k" * 8000, ("q" * 100, b"h" * 100)), Response(200, [], b"1"), 60)
    kept = sum(cache.get((f"{n:08}" + "k" * 8000, ("q" * 100, b"h" * 100))) is not None for n in range(1000))
    assert 100 < kept < 130


def test_what_is_put_again_counts_once() -> None:
    cache, clock = cache_of(str(1 / (1 << 10)))
    for _ in range(50):
        cache.put(("a",), Response(200, [], b"x" * 100_000), 60)
    cache.put(("b",), Response(200, [], b"x" * 100_000), 10)
    assert cache.get(("a",)) is not None
    clock.now += 11
    assert cache.get(("b",)) is None
    assert cache.get(("a",)) is not None


def test_changing_a_kept_answer_changes_it_for_nobody_else() -> None:
    cache, _ = cache_of()
    cache.put(("a",), Response(200, [(b"x", b"1")], b"body"), 60)
    first = cache.get(("a",))
    assert first is not None
    first.headers.append((b"x-amzn-requestid", b"mine"))
    again = cache.get(("a",))
    assert again is not None and again.headers == [(b"x", b"1")]


def test_results_of_authorizers_are_bounded_and_flushed_by_stage() -> None:
    clock: Any = Clock()
    results = Results(clock, limit=3)
    for number in range(4):
        results.put((f"api/s/{number}", b""), number, 60)
    assert [results.get((f"api/s/{number}", b"")) for number in range(4)] == [None, 1, 2, 3]
    results.put(("api/ss/x", b""), "other", 60)
    results.flush("api", "s")
    assert results.get(("api/s/3", b"")) is None
    assert results.get(("api/ss/x", b"")) == "other"


def test_buckets_fill_at_their_rate() -> None:
    clock: Any = Clock()
    throttle = Throttle(clock)
    limits = {"throttlingRateLimit": 2.0, "throttlingBurstLimit": 3}

    def admitted(times: int) -> int:
        return sum(throttle.admit(("api", "s"), "/GET", limits) for _ in range(times))

    assert admitted(10) == 3
    clock.now += 1.0
    assert admitted(10) == 2
    clock.now += 60.0
    assert admitted(10) == 3
    assert throttle.admit(("api", "s"), "/GET", {})
    assert not throttle.admit(("api", "s"), "/GET", {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0})
