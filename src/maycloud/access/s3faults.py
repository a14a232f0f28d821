"""What S3 says of Authorization headers and presigned URLs that are malformed.

In its own words, which others recorded: treeverse/lakeFS#9813, arqbackup/arq_restore#48,
minio/minio#2638, avi-wish/aws4-signature-php#1, and versity/versitygw's ``s3err``, which is checked against
AWS. Nothing here is on the way of requests that are well-formed.
"""

from datetime import UTC, datetime
from urllib.parse import unquote

from maycloud.access import failures
from maycloud.access.sigv4 import ALGORITHM, BadCredentialError, BadDateError, IncompleteError, Signature
from maycloud.edge.messages import Request
from maycloud.errors import AwsError

_COMPONENTS = ("Credential", "SignedHeaders", "Signature")


def check_mechanism(request: Request) -> None:
    """Refuse an Authorization header beside parameters that sign: catalyst/moodle-tool_objectfs#303."""
    if "Signature=" not in request.query and "X-Amz-Algorithm=" not in request.query:
        return
    names = {unquote(part.partition("=")[0]) for part in request.query.split("&")}
    if names & {"X-Amz-Algorithm", "Signature"}:
        raise AwsError(
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query"
            " string parameter or the Authorization header should be specified",
            ArgumentName="Authorization",
            ArgumentValue=request.header("authorization")[:256],
        )


def of_header(request: Request, error: IncompleteError) -> AwsError:
    """Why `error` was raised of the Authorization header."""
    text = request.fields[b"authorization"].decode("latin-1")
    if isinstance(error, BadDateError):
        return failures.no_date()
    algorithm, space, rest = text.partition(" ")
    if algorithm != ALGORITHM or not space:
        return AwsError(
            "InvalidArgument",
            "Authorization header is invalid -- one and only one ' ' (space) required",
            ArgumentName="Authorization",
            ArgumentValue=text[:256],
        )
    parts = [part.strip() for part in rest.split(",")]
    if len(parts) != len(_COMPONENTS):
        return _header(
            "the authorization header requires three components: Credential, SignedHeaders, and Signature."
        )
    given: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals:
            return _header(f'the authorization component "{part[:64]}" is malformed.')
        given[name] = value
    for name in _COMPONENTS:
        if not given.get(name):
            return _header(f"missing {name}.")
    if not request.header("x-amz-date"):
        return failures.no_date()
    return _header(of_scope(given["Credential"].split("/")))


def of_query(query: dict[str, str], error: IncompleteError) -> AwsError:
    """Why `error` was raised of the parameters of a presigned URL."""
    algorithm, credential = query.get("X-Amz-Algorithm", ""), query.get("X-Amz-Credential", "")
    if algorithm and algorithm != ALGORITHM:
        return _query('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"')
    if isinstance(error, BadCredentialError):
        return _parameter(of_scope(credential.split("/")))
    return _query(str(error))


def check_scope(claim: Signature) -> None:
    """Raises what S3 says of a scope that has all its parts, but wrong ones."""
    presigned = claim.expires is not None
    if not claim.access_key or len(claim.date) != 8 or not claim.date.isdecimal() or claim.service != "s3":
        text = of_scope([claim.access_key, claim.date, claim.region, claim.service, "aws4_request"])
        raise _parameter(text) if presigned else _header(text)
    if "host" not in claim.signed_headers:
        raise failures.unsigned_headers(["host"])
    if claim.moment[:8] != claim.date:
        if presigned:
            raise _query(
                f'Invalid credential date "{claim.date}". This date is not the same as X-Amz-Date:'
                f' "{claim.moment[:8]}".'
            )
        raise _header("Invalid credential date. Date is not the same as X-Amz-Date.")


def of_scope(scope: list[str]) -> str:
    """What is wrong of a credential's parts, of which something is."""
    if len(scope) < 5:
        return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    date, _, service, terminal = scope[-4:]
    if not "/".join(scope[:-4]):
        return "a non-empty Access Key (AKID) must be provided in the credential."
    if len(date) != 8 or not date.isdecimal():
        wanted = 'This date in the credential must be in the format "yyyyMMdd".'
        return f'incorrect date format "{date[:64]}". {wanted}'
    if service != "s3":
        return f'incorrect service "{service[:64]}". This endpoint belongs to "s3".'
    return f'incorrect terminal "{terminal[:64]}". This endpoint uses "aws4_request".'


def _header(text: str) -> AwsError:
    return AwsError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {text}", 400)


def _query(text: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", text, 400)


def _parameter(text: str) -> AwsError:
    return _query(f"Error parsing the X-Amz-Credential parameter; {text}")


def no_hash() -> AwsError:
    message = "Missing required header for this request: x-amz-content-sha256"
    return AwsError("InvalidRequest", message, 400)


def too_early(claim: Signature, now: float) -> AwsError:
    """Of a presigned URL that is signed for later; `now` in epoch seconds."""
    return AwsError(
        "AccessDenied",
        "Request is not yet valid",
        403,
        **{"X-Amz-Date": int(claim.time * 1000)},
        Expires=_iso(claim.time + (claim.expires or 0)),
        ServerTime=_iso(now),
    )


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
