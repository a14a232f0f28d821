"""Malformed and hostile requests in all protocols; `python -m bench.hostile` does the same by the million."""

import asyncio

import pytest
from bench.hostile.attack import attack, failures
from bench.hostile.requests import CORE

from running import RunningCloud

COUNT = 10_000


@pytest.mark.timeout(300)
def test_ten_thousand_hostile_requests(fresh_cloud: RunningCloud) -> None:
    """No 5xx of our own making, no hang, no wrong connection state, no traceback, no growth."""
    assert fresh_cloud.process is not None
    report = asyncio.run(
        attack(fresh_cloud.port, fresh_cloud.process.pid, count=COUNT, seed=1, services=CORE)
    )
    assert report.sent > COUNT * 0.95
    assert failures(report, fresh_cloud.log.read_text()) == []
    # The attack must reach past the doors, or it would show nothing.
    assert report.statuses[200] + report.statuses[204] > 100, report.statuses
    assert report.statuses[400] > COUNT / 4, report.statuses
