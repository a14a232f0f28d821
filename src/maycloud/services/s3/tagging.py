"""Tags of objects."""

from maycloud.services.base import Call, Params, Result
from maycloud.services.s3.buckets import check_document, find_bucket
from maycloud.services.s3.objects import find_version, objects
from maycloud.services.s3.store import Bucket
from maycloud.services.s3.tags import MAX_OBJECT_TAGS, check_tags, tags_of
from maycloud.services.s3.versions import Version
from maycloud.wire.xml import malformed


def _found(call: Call, params: Params, method: str) -> tuple[Bucket, Version]:
    bucket = find_bucket(call, params)
    return bucket, find_version(call, bucket, params, method, marker_is_one=True)


def _answer(bucket: Bucket, found: Version) -> dict[str, str]:
    return {"VersionId": found.version} if bucket.versioning else {}


def put_object_tagging(call: Call, params: Params) -> Result:
    if "TagSet" not in (params.get("Tagging") or {}):
        raise malformed()
    tags = params["Tagging"]["TagSet"]
    check_tags(tags, MAX_OBJECT_TAGS, subject="Object")
    bucket, found = _found(call, params, "PUT")
    check_document(call)
    found.meta["tags"] = {tag["Key"]: tag["Value"] for tag in tags}
    objects(call).save_meta(found)
    return _answer(bucket, found)


def get_object_tagging(call: Call, params: Params) -> Result:
    bucket, found = _found(call, params, "GET")
    tags = tags_of(found)
    return _answer(bucket, found) | {"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}


def delete_object_tagging(call: Call, params: Params) -> Result:
    bucket, found = _found(call, params, "DELETE")
    if found.meta.pop("tags", None) is not None:
        objects(call).save_meta(found)
    return _answer(bucket, found)
