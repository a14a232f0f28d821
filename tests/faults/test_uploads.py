"""kill -9 in the middle of uploads: what was acknowledged is whole, what was not is nowhere."""

import hashlib
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from running import RunningCloud
from waiting import PATIENCE, until

ROUNDS = 8
MB = 1 << 20


def body_of(number: int) -> bytes:
    """Six megabytes and a bit that tell their number."""
    return hashlib.sha256(str(number).encode()).digest() * (6 * MB // 32) + str(number).encode()


class Uploader(threading.Thread):
    """Uploads whole objects, replacements and multipart uploads until the cloud dies."""

    def __init__(self, cloud: RunningCloud, kind: int, first: int) -> None:
        super().__init__()
        self.kind = kind
        self.number = first
        self.acknowledged: dict[str, int] = {}  # the last number that was acknowledged for a key
        self.tried: dict[str, int] = {}  # and the one whose answer never came
        config = Config(retries={"max_attempts": 0}, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        self._s3 = cloud.client("s3", config=config)

    def run(self) -> None:
        try:
            while True:
                self.number += 1
                key = f"{self.kind}-same" if self.kind == 1 else f"{self.kind}-{self.number}"
                self.tried = {key: self.number}
                (self._multipart if self.kind == 2 else self._whole)(key, body_of(self.number))
                self.acknowledged[key] = self.number
                self.tried = {}
        except (BotoCoreError, ClientError):
            return

    def _whole(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket="torn", Key=key, Body=body)

    def _multipart(self, key: str, body: bytes) -> None:
        where = {"Bucket": "torn", "Key": key}
        where["UploadId"] = self._s3.create_multipart_upload(**where)["UploadId"]
        halves = (body[: 5 * MB], body[5 * MB :])
        parts = [
            {"PartNumber": n, "ETag": self._s3.upload_part(**where, PartNumber=n, Body=half)["ETag"]}
            for n, half in enumerate(halves, 1)
        ]
        self._s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def check(cloud: RunningCloud, expected: dict[str, set[int]]) -> None:
    """Each object is one of the bodies it may be, to the last byte."""
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="torn")
    found = {each["Key"]: each["Size"] for page in pages for each in page.get("Contents", [])}
    for key, numbers in expected.items():
        if 0 not in numbers:
            assert key in found, f"{key} was acknowledged and is gone"
    for key in found:
        body = s3.get_object(Bucket="torn", Key=key)["Body"].read()
        assert any(number and body == body_of(number) for number in expected[key]), f"{key} is torn"


def referenced(cloud: RunningCloud) -> tuple[int, int]:
    """How many files there are, and how many objects and parts they belong to."""
    s3 = cloud.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="torn")
    pieces = 0
    for page in pages:
        for each in page.get("Contents", []):
            etag = each["ETag"].strip('"')
            pieces += int(etag.partition("-")[2] or 1)
    for upload in s3.list_multipart_uploads(Bucket="torn").get("Uploads", []):
        where = {"Bucket": "torn", "Key": upload["Key"], "UploadId": upload["UploadId"]}
        pieces += len(s3.list_parts(**where).get("Parts", []))
    files = [path for path in (cloud.data / "blobs").rglob("*") if path.is_file()]
    return len(files), pieces


@pytest.mark.timeout(600)
def test_uploads_are_whole_or_not_there(tmp_path: Path) -> None:
    cloud = RunningCloud(tmp_path / "data").start()
    cloud.client("s3").create_bucket(Bucket="torn")
    expected: dict[str, set[int]] = {}
    moments = random.Random(31_012_026)
    acknowledged = 0
    try:
        for round_ in range(ROUNDS):
            uploaders = [Uploader(cloud, kind, round_ * 10_000 + kind * 1000) for kind in range(3)]
            for each in uploaders:
                each.start()
            until(lambda of=uploaders: sum(len(each.acknowledged) for each in of) >= 2, what="uploads")
            time.sleep(moments.uniform(0, 0.5))  # the moment of death, not a wait for anything
            cloud.kill()
            for each in uploaders:
                each.join(PATIENCE)
                assert not each.is_alive()
            cloud.start()
            for each in uploaders:
                acknowledged += len(each.acknowledged)
                expected |= {key: {number} for key, number in each.acknowledged.items()}
                for key, number in each.tried.items():
                    expected[key] = expected.get(key, {0}) | {number}
            check(cloud, expected)
            assert not list((cloud.data / "staging").iterdir()), "what was staged lies about"
            files, pieces = referenced(cloud)
            assert files == pieces, "files that no object has"
            delete_all(cloud.client("s3"))
            expected = {"1-same": {0}}
        assert acknowledged > ROUNDS, "the load was no load"
    finally:
        cloud.stop()


def delete_all(s3: Any) -> None:
    for upload in s3.list_multipart_uploads(Bucket="torn").get("Uploads", []):
        s3.abort_multipart_upload(Bucket="torn", Key=upload["Key"], UploadId=upload["UploadId"])
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="torn").get("Contents", [])]
    if keys:
        s3.delete_objects(Bucket="torn", Delete={"Objects": [{"Key": key} for key in keys]})
