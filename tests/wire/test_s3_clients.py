"""S3 through other clients: the AWS CLI's `s3 sync`, boto3's transfer manager, the JavaScript SDK."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from running import RunningCloud
from s3wire import got

CLIENTS = Path(__file__).parents[1] / "clients"


def aws(cloud: RunningCloud, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "awscli", *arguments],
        env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_sync_of_a_thousand_files(cloud: RunningCloud, tmp_path: Path) -> None:
    """Up, nothing to do, one change, down again, deletes."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="synced")
    source = tmp_path / "source"
    for number in range(1000):
        path = source / f"{number % 7}" / "ü ñ+%" / f"file {number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number}".encode() * (number % 50))
        # S3 tells whole seconds: a file written in the second of its upload would look newer than its object.
        os.utime(path, (1_700_000_000, 1_700_000_000))
    aws(cloud, "s3", "sync", str(source), "s3://synced/at/", "--only-show-errors")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="synced", Prefix="at/")
    keys = [each["Key"] for page in pages for each in page["Contents"]]
    assert len(keys) == 1000 and keys == sorted(keys, key=str.encode)
    assert aws(cloud, "s3", "sync", str(source), "s3://synced/at/").strip() == ""
    (source / "0" / "ü ñ+%" / "file 0.txt").write_bytes(b"changed")
    (source / "1" / "ü ñ+%" / "file 1.txt").unlink()
    done = aws(cloud, "s3", "sync", str(source), "s3://synced/at/", "--delete", "--no-progress")
    assert sorted(line.split(":")[0] for line in done.splitlines()) == ["delete", "upload"]
    target = tmp_path / "target"
    aws(cloud, "s3", "sync", "s3://synced/at/", str(target), "--only-show-errors")

    def files(root: Path) -> dict[str, bytes]:
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    assert files(target) == files(source)
    aws(cloud, "s3", "rm", "--recursive", "s3://synced/", "--only-show-errors")
    assert "Contents" not in s3.list_objects_v2(Bucket="synced")


def test_the_transfer_manager(cloud: RunningCloud) -> None:
    """Large files go up in parts at once and come down in ranges at once, with checksums all the way."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="managed")
    body = os.urandom(23_000_000)
    config = TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=6 << 20, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(body), "managed", "large", Config=config)
    assert s3.head_object(Bucket="managed", Key="large")["ETag"].endswith('-4"')
    into = io.BytesIO()
    s3.download_fileobj("managed", "large", into, Config=config)
    assert into.getvalue() == body
    s3.copy({"Bucket": "managed", "Key": "large"}, "managed", "copy", Config=config)
    assert got(s3, Bucket="managed", Key="copy")["Body"] == body


def test_the_javascript_sdk(cloud: RunningCloud) -> None:
    if not (CLIENTS / "node_modules" / "@aws-sdk" / "client-s3").exists():
        if os.environ.get("CI"):
            pytest.fail("the JavaScript SDK is missing; `make tools` installs it")
        pytest.skip("the JavaScript SDK is missing; `make tools` installs it")
    ran = subprocess.run(
        ["node", str(CLIENTS / "s3.mjs")],
        env=cloud.environment(), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    assert found == {
        "small": "hello ü",
        "metadata": {"a": "1"},
        "range": "llo",
        "parts": 2,
        "same": True,
        "keys": ["js/large", "js/small ü+"],
        "missing": "NoSuchKey",
        "link": "hello ü",
    }
