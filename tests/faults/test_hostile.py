"""Malformed and hostile requests in all protocols; `python -m bench.hostile` does the same by the million."""

import asyncio

import pytest
from bench.hostile.attack import attack, failures
from bench.hostile.requests import CORE
from botocore.exceptions import ClientError

from maycloud.errors import AwsError
from maycloud.wire import xml
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


def test_what_a_million_requests_found(cloud: RunningCloud) -> None:
    """Digits that are none, numbers past what Python reads, encodings of no one's, a password left out."""
    for text in ("²", "9" * 5000):
        for refused in (
            lambda text=text: cloud.client("cloudfront").list_distributions(MaxItems=text),
            lambda text=text: cloud.client("cognito-idp").list_user_pools(MaxResults=1, NextToken=text),
        ):
            with pytest.raises(ClientError) as error:
                refused()
            assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    iam = cloud.client("iam")
    iam.create_user(UserName="no-password")
    with pytest.raises(ClientError, match="'password' failed to satisfy constraint"):
        iam.create_login_profile(UserName="no-password")
    with pytest.raises(AwsError, match="MalformedXML"):
        xml.parse(b'<?xml version="1.0" encoding="utf-1v"?><a/>')
