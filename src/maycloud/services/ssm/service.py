"""The service, and how its operations find parameters."""

import re

from maycloud.errors import AwsError, validation
from maycloud.services.base import Call, Params, Service
from maycloud.services.ssm.policies import expired
from maycloud.services.ssm.store import Parameters
from maycloud.store import Document

_NAME = re.compile(r"/?[a-zA-Z0-9_.-]+(?:/[a-zA-Z0-9_.-]+)*")

_SUB_PATHS = (
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of'
    " sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the"
    " following 3 symbols .-_"
)

service = Service("ssm", state=Parameters)


def arn_of(call: Call, name: str) -> str:
    return f"arn:aws:ssm:{call.region}:{call.account}:parameter/{name.removeprefix('/')}"


def bare(call: Call, name: str) -> str:
    """A parameter's name in a name or ARN, with the version or label that may follow it."""
    return name.partition(":parameter")[2] if name.startswith("arn:") else name


def own(call: Call, name: str) -> Document | None:
    """The parameter a name means: ``x`` and ``/x`` are one, as their ARN is (LocalStack's
    tests/aws/services/ssm/test_ssm.py, test_put_parameters, validated against AWS)."""
    found = call.state.documents.get(call.scope, name)
    if found is None and "/" not in name.removeprefix("/"):
        other = name.removeprefix("/") if name.startswith("/") else f"/{name}"
        found = call.state.documents.get(call.scope, other)
    if found is None or expired(found, call.now()):
        return None
    return found


def parameter_arn(call: Call, params: Params) -> str:
    name = params.get("Name") or params.get("ResourceId") or params.get("Path") or "*"
    return name if name.startswith("arn:") else arn_of(call, name.partition(":")[0])


def parameter_checks(call: Call, params: Params) -> list[tuple[str, str]]:
    action = f"ssm:{call.operation.name}"
    return [(action, arn_of(call, bare(call, name).partition(":")[0])) for name in params["Names"]]


def not_found() -> AwsError:
    return AwsError("ParameterNotFound", "")


def find(call: Call, name: str) -> Document:
    found = own(call, bare(call, name))
    if found is None:
        raise not_found()
    return found


def check_path(name: str) -> None:
    """Raises for what is no name of a parameter at all."""
    if not _NAME.fullmatch(name) or ("/" in name and not name.startswith("/")):
        raise validation(_SUB_PATHS)


def check_name(name: str) -> None:
    if name.lower().startswith(("aws", "ssm")):
        raise validation('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if name.lower().startswith("/aws"):
        raise validation(f"No access to reserved parameter name: {name}.")
    if name.lower().startswith("/ssm") or not _NAME.fullmatch(name):
        raise validation(_SUB_PATHS)
    if "/" in name and not name.startswith("/"):
        raise validation("Parameter name must be a fully qualified name.")
    if name.count("/") > 15:
        raise AwsError(
            "HierarchyLevelLimitExceededException", "Parameter name must not exceed 15 hierarchy levels"
        )


def select(found: Document, name: str, selector: str) -> Document:
    """The version that a number or label after the name means; the newest without one."""
    if not selector:
        return found["Versions"][-1]
    for version in found["Versions"]:
        if selector == str(version["Version"]) or selector in version["Labels"]:
            return version
    if selector.isdecimal():
        raise AwsError(
            "ParameterVersionNotFound", f"Systems Manager could not find version {selector} of {name}."
            " Verify the version and try again.",
        )  # fmt: skip
    raise AwsError("ParameterVersionNotFound", f"Systems Manager could not find label {selector} of {name}.")
