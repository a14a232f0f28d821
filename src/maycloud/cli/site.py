"""The web front end of a stack: built, uploaded to its bucket, told the stack's outputs, shown by CloudFront.

A bucket in a template asks for it with metadata, which CloudFormation itself leaves alone:

    Metadata:
      Site: { Source: web, Distribution: LogicalIdOfADistribution }

`Source` is a folder beside the template. With a package.json it is built by ``npm run build`` into
``dist``. `Distribution`, which may be left out, is invalidated when a file has changed.
"""

import hashlib
import json
import mimetypes
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from maycloud.cli.build import digest_of, run_tool, without_clutter
from maycloud.cli.failure import Failure
from maycloud.cli.target import Target

CONFIG = "config.json"
FOREVER = "public, max-age=31536000, immutable"  # names below assets/ carry a hash of what they hold
TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Site:
    """What a bucket's metadata asks for."""

    bucket: str  # logical id
    source: Path
    distribution: str | None  # logical id


def sites(template: dict[str, Any], root: Path) -> Iterator[Site]:
    """The front ends that a template's buckets ask for. Raises Failure where a folder is missing."""
    for logical_id, resource in (template.get("Resources") or {}).items():
        if not isinstance(resource, dict):
            continue  # CloudFormation says what is wrong with it
        wanted = (resource.get("Metadata") or {}).get("Site")
        if wanted is None or resource.get("Type") != "AWS::S3::Bucket":
            continue
        source = root / wanted["Source"]
        if not source.is_dir():
            raise Failure(f"the site of {logical_id} names the folder {source}, which is not there")
        yield Site(logical_id, source, wanted.get("Distribution"))


def build_site(source: Path, cache: Path) -> Path:
    """The folder to be uploaded. A build is kept by the content of its source. Raises Failure."""
    if not (source / "package.json").exists():
        return source
    target = cache / f"{digest_of(source, 'site')}.site"
    if target.is_dir():
        return target
    begun = time.monotonic()
    click.echo(f"  building {source.name} …")
    work = cache / f"{target.name}.{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work, ignore=without_clutter)
    try:
        verb = "ci" if (work / "package-lock.json").exists() else "install"
        run_tool(["npm", verb, "--no-audit", "--no-fund"], work, f"installing {source.name}/package.json")
        run_tool(["npm", "run", "build"], work, f"building {source.name}")
        try:
            (work / "dist").rename(target)
        except OSError:
            if not target.is_dir():  # unless another deployment has built the same meanwhile
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    click.echo(f"  built {source.name} in {time.monotonic() - begun:.1f} s")
    return target


class Publisher:
    """Publishes the sites of one stack."""

    def __init__(self, target: Target, stack: str, outputs: dict[str, str]) -> None:
        self._target = target
        self._outputs = outputs
        pages = (
            target.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        )
        self._ids = {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for page in pages
            for each in page["StackResourceSummaries"]
        }

    def publish(self, site: Site, folder: Path) -> None:
        """Bring the bucket to hold the folder's files and the configuration, and nothing else."""
        s3 = self._target.client("s3")
        bucket = self._ids[site.bucket]
        there = {
            each["Key"]: each["ETag"].strip('"')
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for each in page.get("Contents", [])
        }
        wanted = {file.relative_to(folder).as_posix(): file.read_bytes() for file in _files(folder)}
        wanted[CONFIG] = self._config()
        changed = [key for key, body in wanted.items() if there.get(key) != _md5(body)]
        # Pages go last: what they name must be there before them.
        for key in sorted(changed, key=lambda name: (name.endswith(".html"), name)):
            s3.put_object(Bucket=bucket, Key=key, Body=wanted[key], **_headers(key))
        gone = there.keys() - wanted.keys()
        for key in gone:
            s3.delete_object(Bucket=bucket, Key=key)
        if not changed and not gone:
            return
        click.echo(f"  site {site.source.name}: {len(changed)} of {len(wanted)} files uploaded")
        if site.distribution is not None:
            self._target.client("cloudfront").create_invalidation(
                DistributionId=self._ids[site.distribution],
                InvalidationBatch={
                    "Paths": {"Quantity": 1, "Items": ["/*"]},
                    "CallerReference": f"may-{time.time_ns()}",
                },
            )

    def _config(self) -> bytes:
        """What the front end reads at its start: see `systems/todo/web/src/config.ts`."""
        config: dict[str, Any] = {"region": self._target.region, "outputs": self._outputs}
        if self._target.endpoint is not None:
            # A page that came over HTTPS may not ask by plain HTTP.
            config["endpoint"] = self._target.endpoint.replace("http://", "https://", 1)
        return json.dumps(config, indent=2).encode()


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())


def _md5(body: bytes) -> str:
    """The ETag that S3 gives an object written in one piece."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _headers(key: str) -> dict[str, str]:
    suffix = Path(key).suffix
    kind = TYPES.get(suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"
    return {"ContentType": kind, "CacheControl": FOREVER if key.startswith("assets/") else "no-cache"}
