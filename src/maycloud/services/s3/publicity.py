"""When a bucket policy is public.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
"""

from ipaddress import ip_network
from typing import Any

# Keys whose fixed values make "everyone" somebody in particular.
_NARROWING = frozenset(
    {
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:userid",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"})


def is_public(policy: dict[str, Any]) -> bool:
    """Whether any statement lets in someone who cannot be told beforehand."""
    statements = policy["Statement"]
    return any(map(_is_public, statements if isinstance(statements, list) else [statements]))


def _is_public(statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow" or not _names_everyone(statement.get("Principal")):
        return False
    return not any(
        _narrows(operator.lower().removeprefix("foranyvalue:"), key.lower(), values)
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, values in keys.items()
    )


def _names_everyone(principal: Any) -> bool:
    names = principal.get("AWS", []) if isinstance(principal, dict) else principal
    return any("*" in str(name) for name in (names if isinstance(names, list) else [names]))


def _narrows(operator: str, key: str, given: Any) -> bool:
    values = [str(value) for value in (given if isinstance(given, list) else [given])]
    if operator == "ipaddress" and key == "aws:sourceip":
        return all(map(_is_narrow, values))
    if operator not in _OPERATORS or key not in _NARROWING:
        return False
    if key == "aws:userid":
        return not any(value.split(":")[0].endswith("*") and value != "AROA" for value in values)
    return not any(_is_open(key, value) for value in values)


def _is_open(key: str, value: str) -> bool:
    """A value with a wildcard or a variable names nobody; in an ARN an account does."""
    if "${" in value:
        return True
    if key in ("aws:sourcearn", "aws:principalarn", "s3:dataaccesspointarn") and value.startswith("arn:"):
        parts = value.split(":", 5)
        return len(parts) < 6 or (not parts[4].isdigit() and "*" in value)
    return "*" in value or "?" in value


def _is_narrow(network: str) -> bool:
    """AWS: ranges wider than /8 of IPv4, or /32 of IPv6, are everyone."""
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen >= (8 if parsed.version == 4 else 32)
