"""Operations that services have and AWS's models leave out, for no SDK makes them: browsers do; headers too.

Their bodies and answers are described as the models describe theirs.
"""

from typing import Any

Shape = dict[str, Any]

# By service; `docs/coverage.md` and the round trip of the models' operations leave them out.
ADDED = {"s3": frozenset({"PostObject", "OptionsBucket", "OptionsObject"})}


def extend(name: str, document: dict[str, Any]) -> None:
    """Add what `name`'s model lacks to its operations and shapes."""
    if name == "s3":
        _extend_s3(document["operations"], document["shapes"])


def _extend_s3(operations: dict[str, Any], shapes: dict[str, Shape]) -> None:
    """A form's upload and CORS's preflight request.

    https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
    """
    bucket = {"Bucket": {"shape": "BucketName", "location": "uri", "locationName": "Bucket"}}
    key = {"Key": {"shape": "ObjectKey", "location": "uri", "locationName": "Key"}}
    shapes["PostObjectRequest"] = {
        "type": "structure",
        "required": ["Bucket"],
        "members": bucket | {"Body": {"shape": "Body", "streaming": True}},
        "payload": "Body",
    }
    shapes["PostResponse"] = {
        "type": "structure",
        "members": {
            "Location": {"shape": "Location"},
            "Bucket": {"shape": "BucketName"},
            "Key": {"shape": "ObjectKey"},
            "ETag": {"shape": "ETag"},
        },
    }
    shapes["PostStatus"] = {"type": "integer"}
    shapes["PostObjectOutput"] = {
        "type": "structure",
        "members": shapes["PutObjectOutput"]["members"]
        | {
            "Status": {"shape": "PostStatus", "location": "statusCode"},
            "Location": _header("Location", "Location"),
            "PostResponse": {"shape": "PostResponse", "xmlNamespace": ""},  # the one document without
        },
        "payload": "PostResponse",
    }
    operations["PostObject"] = {
        "name": "PostObject",
        "http": {"method": "POST", "requestUri": "/{Bucket}"},
        "input": {"shape": "PostObjectRequest"},
        "output": {"shape": "PostObjectOutput"},
    }
    # 202 for a copy that will come, 200 for one that is there, API_RestoreObject.html
    shapes["RestoreObjectOutput"]["members"]["Status"] = {"shape": "PostStatus", "location": "statusCode"}
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html and API_PutBucketTagging.html
    for name in ("PutBucketPolicy", "PutBucketTagging"):
        operations[name]["http"]["responseCode"] = 204
    # Answers that list a bucket say where it is, see HeadBucket.
    for listing in ("ListObjectsOutput", "ListObjectsV2Output"):
        shapes[listing]["members"]["BucketRegion"] = _header("Region", "x-amz-bucket-region")
    asked = {
        "Origin": _header("Location", "Origin"),
        "Method": _header("Location", "Access-Control-Request-Method"),
        "Headers": _header("Location", "Access-Control-Request-Headers"),
    }
    for name, path, labels in (
        ("OptionsBucket", "/{Bucket}", bucket),
        ("OptionsObject", "/{Bucket}/{Key+}", bucket | key),
    ):
        shapes[f"{name}Request"] = {"type": "structure", "required": [*labels], "members": labels | asked}
        operations[name] = {
            "name": name,
            "http": {"method": "OPTIONS", "requestUri": path},
            "input": {"shape": f"{name}Request"},
        }


def _header(shape: str, name: str) -> Shape:
    return {"shape": shape, "location": "header", "locationName": name}
