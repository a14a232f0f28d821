"""The clock that tests move, and hold."""

import asyncio
from itertools import pairwise

import pytest

from maycloud.store.clock import Clock


async def test_timers_follow_the_moved_clock() -> None:
    clock = Clock()
    ran: list[str] = []
    late = clock.call_later(7200, ran.append, "late")
    clock.call_later(3600, ran.append, "due")
    clock.call_later(3600, ran.append, "cancelled").cancel()
    clock.advance(3601)
    await asyncio.wait_for(clock.sleep(0), 60)
    assert ran == ["due"]
    late.cancel()


async def test_a_clock_that_is_held_is_moved_by_hand_alone() -> None:
    clock = Clock()
    clock.hold(True)
    begun = clock.time()
    ran: list[str] = []
    clock.call_later(0.001, ran.append, "soon")
    await asyncio.sleep(0.02)  # longer than the timer would take
    assert (clock.time(), clock.millis(), ran) == (begun, int(begun * 1000), [])
    clock.advance(1)
    assert clock.time() == begun + 1
    await asyncio.wait_for(clock.sleep(0), 60)
    assert ran == ["soon"]
    clock.hold(True)
    assert clock.time() == begun + 1
    clock.hold(False)
    times = [clock.time() for _ in range(5)]
    assert times[0] >= begun + 1
    assert all(one <= other for one, other in pairwise(times))
    await asyncio.wait_for(clock.sleep(0.001), 60)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e300])
def test_where_it_does_not_move(seconds: float) -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        Clock().advance(seconds)
