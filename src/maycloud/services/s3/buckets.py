"""Buckets and their sub-resources (policy, versioning, tags, encryption …)."""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from maycloud.errors import AwsError
from maycloud.regions import REGIONS
from maycloud.services.base import Call, Check, Params, Result
from maycloud.services.s3 import acls, checksums, reach
from maycloud.services.s3.access import bucket_arn, permit
from maycloud.services.s3.acls import canonical_id
from maycloud.services.s3.common import access_denied, invalid_argument, malformed_xml
from maycloud.services.s3.store import Bucket, Buckets
from maycloud.services.s3.tags import MAX_BUCKET_TAGS, check_tags

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_RESERVED = re.compile(
    r"xn--.*|sthree-.*|amzn-s3-demo-.*|.*-s3alias|.*--ol-s3|.*--x-s3|.*\.mrap|.*--table-s3"
)


def buckets(call: Call) -> Buckets:
    return call.state.buckets


def find_bucket(call: Call, params: Params) -> Bucket:
    """The bucket a call names, in its own region and, where asked for, of the expected owner."""
    bucket = buckets(call).get(params["Bucket"])
    check_owner(bucket, params.get("ExpectedBucketOwner"))
    reach.check(call, bucket, params)
    return bucket


def check_owner(bucket: Bucket, expected: str | None) -> None:
    """Refuse where the bucket is not whose the caller expects."""
    if expected is None or expected == bucket.account:
        return
    if not re.fullmatch(r"\d{12}", expected):
        raise AwsError(
            "InvalidBucketOwnerAWSAccountID",
            f"The value of the expected bucket owner parameter must be an AWS Account ID... [{expected}]",
        )
    raise access_denied()


def check_document(call: Call) -> None:
    """The digests that came with a document, such as a configuration. Raises BadDigest and AWS's refusals."""
    if call.http is not None and isinstance(call.http.body, bytes):
        checksums.check_document(call.http.fields, call.http.body)


def bucket_to_set(call: Call, params: Params) -> Bucket:
    """The bucket of a call that sets something, whose document is what its sender meant."""
    bucket = find_bucket(call, params)
    check_document(call)
    return bucket


def creation_checks(call: Call, params: Params) -> list[Check]:
    """Strangers are told to sign, as measured on AWS by others (see `maycloud.wire.s3`)."""
    if call.principal.kind == "anonymous":
        raise AwsError("AccessDenied", "Anonymous users cannot invoke this API. Please authenticate.", 403)
    return [("s3:CreateBucket", bucket_arn(call, params))]


def listing_checks(call: Call, _params: Params) -> list[Check]:
    """Strangers, whom AWS sends to its page about S3, are refused: the answer stays on this machine."""
    if call.principal.kind == "anonymous":
        raise access_denied()
    return [("s3:ListAllMyBuckets", "*")]


def create_bucket(call: Call, params: Params) -> Result:
    name = params["Bucket"]
    if not _valid_name(name):
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)
    copied = call.http.fields.get(b"x-amz-copy-source") if call.http else None
    if copied is not None:
        raise AwsError(
            "InvalidArgument",
            "You can only specify a copy source header for copy requests.",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=copied.decode("latin-1"),
        )
    configuration = params.get("CreateBucketConfiguration") or {}
    region: str | None = configuration.get("LocationConstraint")
    _check_location(call, region)
    region = "us-east-1" if region is None else "eu-west-1" if region == "EU" else region
    existing = buckets(call).find(name)
    if existing is not None:
        _refuse_existing(call, existing)
        _reset_acl(call, existing, params)
        return {"Location": f"/{name}", "BucketArn": existing.arn}
    settings: dict[str, Any] = {
        # What AWS has set on every new bucket since April 2023.
        "public_access": dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
        "ownership": {"Rules": [{"ObjectOwnership": params.get("ObjectOwnership", "BucketOwnerEnforced")}]},
        **_first_acl(call, params),
    }
    if params.get("ObjectLockEnabledForBucket"):
        raise AwsError("NotImplemented", "Object lock is not supported by Maycloud", 501)
    if configuration.get("Tags"):
        check_tags(configuration["Tags"], MAX_BUCKET_TAGS, subject="Bucket")
        settings["tagging"] = {"TagSet": configuration["Tags"]}
    buckets(call).create(name, call.account, region, call.now(), settings)
    location = f"/{name}" if region == "us-east-1" else f"http://{name}.s3.{region}.amazonaws.com/"
    return {"Location": location, "BucketArn": f"arn:aws:s3:::{name}"}


def _reset_acl(call: Call, existing: Bucket, params: Params) -> None:
    """What us-east-1 does to a bucket that its owner creates once more: API_CreateBucket.html."""
    if acls.disabled(existing):
        return
    existing.settings.pop("acl", None)
    if acls.given(params):
        grants = acls.wanted(params, call.account, call.account, of_bucket=True)
        acls.refuse_public(existing, grants)
        existing.settings["acl"] = grants
    buckets(call).save(existing)


def _first_acl(call: Call, params: Params) -> dict[str, Any]:
    """The list that CreateBucket asks for; a new bucket takes none that is public."""
    ownership = params.get("ObjectOwnership", "BucketOwnerEnforced")
    if ownership not in ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"):
        raise invalid_argument(
            "Invalid x-amz-object-ownership header: " + ownership, "x-amz-object-ownership"
        )
    if not acls.given(params):
        return {}
    grants = acls.wanted(params, call.account, call.account, of_bucket=True)
    if ownership == "BucketOwnerEnforced":
        if params.get("ACL") == "private":
            return {}
        raise AwsError(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        )
    if acls.is_public(grants):
        raise AwsError(
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        )
    return {"acl": grants}


def put_bucket_tagging(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    tags = (params.get("Tagging") or {}).get("TagSet")
    if tags is None:
        raise malformed_xml()
    check_tags(tags, MAX_BUCKET_TAGS, subject="Bucket")
    bucket.settings["tagging"] = {"TagSet": tags}
    buckets(call).save(bucket)
    return None


def _valid_name(name: str) -> bool:
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        return False
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return True
    return False


def _check_location(call: Call, location: str | None) -> None:
    """Refuse a constraint that the endpoint's region does not serve, as AWS words it."""
    known = location is None or location == "EU" or location in REGIONS
    if not known or (call.region == "us-east-1" and location == "us-east-1"):
        raise AwsError(
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
            LocationConstraint=location,
        )
    if call.region not in ("us-east-1", location):
        raise AwsError(
            "IllegalLocationConstraintException",
            f"The {location or 'unspecified'} location constraint is incompatible for the region specific"
            " endpoint this request was sent to.",
        )


def _refuse_existing(call: Call, existing: Bucket) -> None:
    if existing.account != call.account:
        raise AwsError(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of"
            " the system. Please select a different name and try again.",
            409,
            BucketName=existing.name,
        )
    # us-east-1 alone answers 200 to the owner, for the sake of old clients.
    if call.region != "us-east-1" or existing.region != "us-east-1":
        raise AwsError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
            BucketName=existing.name,
        )


def head_bucket(call: Call, params: Params) -> Result:
    """A refusal says where the bucket is, too: by that, SDKs find the region to ask in."""
    bucket = buckets(call).get(params["Bucket"])
    try:
        permit(call, "s3:ListBucket", bucket.arn)
        find_bucket(call, params)
    except AwsError as error:
        error.members["x-amz-bucket-region"] = bucket.region
        raise
    return {"BucketRegion": bucket.region, "AccessPointAlias": False, "BucketArn": bucket.arn}


def delete_bucket(call: Call, params: Params) -> Result:
    bucket = find_bucket(call, params)
    buckets(call).delete(bucket)
    call.state.uploads.end_all(bucket)
    return None


def list_buckets(call: Call, params: Params) -> Result:
    prefix, region = params.get("Prefix", ""), params.get("BucketRegion")
    after, limit = params.get("ContinuationToken", ""), params.get("MaxBuckets", 10_000)
    if not 1 <= limit <= 10_000:
        message = "Argument max-buckets must be an integer between 1 and 10000"
        raise invalid_argument(message, "max-buckets", str(limit))
    if region is not None and region.lower() not in REGIONS:
        raise invalid_argument(f"Argument value {region} is not a valid AWS Region", "bucket-region")
    region = region.lower() if region is not None else None
    if region is not None and call.http is not None and region != call.region:
        raise invalid_argument(
            "Requests with bucket-region specified must be made to the corresponding regional endpoint",
            "bucket-region",
        )
    paged = not params.keys().isdisjoint(("Prefix", "BucketRegion", "ContinuationToken", "MaxBuckets"))
    found = [
        (name, where, created)
        for name, where, created in buckets(call).owned_by(call.account)
        if name.startswith(prefix) and name > after and region in (None, where)
    ]
    result: dict[str, Any] = {
        "Buckets": [
            {
                "Name": name,
                "CreationDate": datetime.fromtimestamp(int(created), UTC),
                "BucketArn": f"arn:aws:s3:::{name}",
            }
            # Recorded by others: AWS names regions where the question has parameters of its own.
            | ({"BucketRegion": where} if paged else {})
            for name, where, created in found[:limit]
        ],
        "Owner": {"ID": canonical_id(call.account)},
    }
    if len(found) > limit:
        result["ContinuationToken"] = found[limit - 1][0]
    if "Prefix" in params:
        result["Prefix"] = prefix
    return result


def put_request_payment(call: Call, params: Params) -> Result:
    bucket = bucket_to_set(call, params)
    payer = params["RequestPaymentConfiguration"].get("Payer")
    if payer not in ("Requester", "BucketOwner"):
        raise malformed_xml()
    bucket.settings["payer"] = payer
    buckets(call).save(bucket)
    return None


def get_request_payment(call: Call, params: Params) -> Result:
    return {"Payer": find_bucket(call, params).settings.get("payer", "BucketOwner")}


def put_accelerate(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAccelerateConfiguration.html"""
    bucket = bucket_to_set(call, params)
    if "." in bucket.name:
        raise AwsError(
            "InvalidRequest",
            "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
        )
    status = params.get("AccelerateConfiguration", {}).get("Status")  # its document may be left out
    if status not in ("Enabled", "Suspended"):
        raise malformed_xml()
    if status == "Enabled" or "acceleration" in bucket.settings:
        bucket.settings["acceleration"] = status
        buckets(call).save(bucket)
    return None


def get_accelerate(call: Call, params: Params) -> Result:
    status = find_bucket(call, params).settings.get("acceleration")
    return {} if status is None else {"Status": status}


def get_bucket_location(call: Call, params: Params) -> Result:
    region = find_bucket(call, params).region
    return {"LocationConstraint": None if region == "us-east-1" else region}


def setting(call: Call, params: Params, name: str, code: str, message: str) -> Any:
    """A sub-resource of the bucket, or AWS's error for one that was never set."""
    bucket = find_bucket(call, params)
    if name not in bucket.settings:
        raise AwsError(code, message, 404, BucketName=bucket.name)
    return bucket.settings[name]


def delete_setting(name: str) -> Callable[[Call, Params], Result]:
    def delete(call: Call, params: Params) -> Result:
        bucket = find_bucket(call, params)
        if bucket.settings.pop(name, None) is not None:
            buckets(call).save(bucket)
        return None

    return delete


# What every bucket has since January 2023.
_ENCRYPTION = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
}


def put_encryption(call: Call, params: Params) -> Result:
    """SSE-S3, or SSE-KMS with the account's own key of S3; other keys of KMS are not there."""
    bucket = bucket_to_set(call, params)
    rules = (params.get("ServerSideEncryptionConfiguration") or {}).get("Rules", [])
    if len(rules) != 1:
        raise malformed_xml()
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {"SSEAlgorithm": "AES256"})
    algorithm, key = default.get("SSEAlgorithm"), default.get("KMSMasterKeyID")
    if algorithm not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise malformed_xml()
    if algorithm == "AES256" and key is not None:
        raise invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            "ApplyServerSideEncryptionByDefault",
        )
    if algorithm == "aws:kms:dsse" or key not in (None, "alias/aws/s3"):
        raise AwsError(
            "NotImplemented", "Default encryption with keys of KMS is not supported by Maycloud", 501
        )
    if not set(_blocked(rules[0])) <= {"SSE-C", "NONE"} or len(_blocked(rules[0])) > 1:
        raise malformed_xml()
    rule = {"BucketKeyEnabled": False, **rules[0], "ApplyServerSideEncryptionByDefault": default}
    bucket.settings["encryption"] = {"Rules": [rule]}
    buckets(call).save(bucket)
    return None


def encryption_of(bucket: Bucket) -> str:
    """The algorithm that answers about new objects name."""
    rules = bucket.settings.get("encryption", _ENCRYPTION)["Rules"]
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    return default.get("SSEAlgorithm", "AES256")


def _blocked(rule: dict[str, Any]) -> list[str]:
    return (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType", [])


def blocked_types(bucket: Bucket) -> list[str]:
    """Kinds of encryption that new objects must not have: SSE-C, or none."""
    return _blocked(bucket.settings["encryption"]["Rules"][0]) if "encryption" in bucket.settings else []


def get_encryption(call: Call, params: Params) -> Result:
    found = find_bucket(call, params).settings.get("encryption", _ENCRYPTION)
    return {"ServerSideEncryptionConfiguration": found}


def put_bucket_versioning(call: Call, params: Params) -> Result:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html"""
    bucket = bucket_to_set(call, params)
    wanted = params.get("VersioningConfiguration") or {}
    status = wanted.get("Status")
    if wanted.get("MFADelete") == "Enabled" or "MFA" in params:
        raise AwsError("NotImplemented", "Deletes with multi-factor authentication are not supported", 501)
    if status is None:
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        )
    if status not in ("Enabled", "Suspended"):
        raise malformed_xml()
    bucket.settings["versioning"] = {"Status": status}
    buckets(call).save(bucket)
    return None


def get_bucket_versioning(call: Call, params: Params) -> Result:
    return find_bucket(call, params).settings.get("versioning", {})
