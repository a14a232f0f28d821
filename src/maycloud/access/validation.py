"""What IAM says of a policy document before it keeps it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import re
from typing import Any, Literal

import orjson

from maycloud.access.conditions import malformed, moment, split_operator
from maycloud.access.policies import compile_policy

Kind = Literal["identity", "managed", "resource", "trust"]

_VERSIONS = ("2012-10-17", "2008-10-17")
_MEMBERS = frozenset({"Version", "Id", "Statement"})
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_STATEMENT = frozenset({"Sid", "Effect", "Condition", *(name for pair in _PAIRS for name in pair)})
_PRINCIPALS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_VENDOR = re.compile(r"[a-zA-Z0-9\-.]+")
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/",
    "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
_LEGACY = "The policy failed legacy parsing"
_UNPREFIXED = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
_PARTITION = re.compile(r"aws(-[a-z-]+)?")
_AWS_PRINCIPAL = re.compile(
    r"\*|\d{12}|A[A-Z0-9]{15,}"  # everyone, an account, the unique id of a deleted identity
    r"|arn:aws[a-z-]*:(iam|sts)::(\d{12}|cloudfront):"
    r"(root|(user|role|assumed-role|federated-user)/[^*?]+)"
)


def check_policy_document(text: str, kind: Kind) -> dict[str, Any]:
    """The parsed document. Raises AwsError MalformedPolicyDocument in IAM's words and order of checks.

    "identity" is for inline policies of users, groups and roles, and of sessions; "managed" for managed
    policies, whose version must be today's; "trust" for a role's AssumeRolePolicyDocument; "resource" for
    policies of other resources. Recorded of AWS in LocalStack's
    tests/aws/services/iam/test_iam_policies.snapshot.json.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise malformed("This policy contains invalid Json") if kind == "trust" else malformed() from error
    if not isinstance(document, dict) or not document.keys() <= _MEMBERS:
        raise malformed()
    if document.get("Version", _VERSIONS[0]) not in _VERSIONS or not isinstance(document.get("Id", ""), str):
        raise malformed()
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise malformed()
    ours = kind in ("identity", "managed")
    for statement in statements:
        _check_grammar(statement, any_case=ours)
    if kind == "managed" and document.get("Version") != _VERSIONS[0]:
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    if ours and not all(_parses(statement) for statement in statements):
        raise malformed(_LEGACY)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) < len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")
    for statement in statements:
        _check_statement(statement, "identity" if ours else kind)
    compile_policy(document)
    return document


def _check_grammar(statement: Any, *, any_case: bool) -> None:
    """Shapes: known members, of the right types, and only one of each pair."""
    if not isinstance(statement, dict) or not statement.keys() <= _STATEMENT:
        raise malformed()
    if not isinstance(statement.get("Sid", ""), str):
        raise malformed()
    effect = statement.get("Effect")
    if "Effect" not in statement:
        if any_case:
            raise malformed()
    elif not isinstance(effect, str) or (effect.capitalize() if any_case else effect) not in (
        "Allow",
        "Deny",
    ):
        raise malformed()
    if any(one in statement and other in statement for one, other in _PAIRS):
        raise malformed()
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if not all(isinstance(value, str) for value in _listed(statement.get(name, []))):
            raise malformed()
    for name in ("Principal", "NotPrincipal"):
        _check_principal_grammar(statement.get(name, "*"))
    _check_condition_grammar(statement.get("Condition", {}))


def _parses(statement: dict[str, Any]) -> bool:
    """What AWS's older parser asks of a statement: effects as they are spelled, whole ARNs, dates."""
    if statement["Effect"] not in ("Allow", "Deny"):
        return False
    for resource in _listed(statement.get("Resource", statement.get("NotResource", []))):
        parts = resource.split(":")
        if "${" in resource or parts[0] != "arn" or len(parts) < 3 or not _PARTITION.fullmatch(parts[1]):
            continue
        if (3 < len(parts) < 6 and not resource.endswith("*")) or not parts[2]:
            return False
    for operator, keys in statement.get("Condition", {}).items():
        if keys and split_operator(operator)[1].startswith("date"):
            given = [value for values in keys.values() for value in _listed(values)]
            if any(moment(value) is None for value in given):
                return False
    return True


def _check_principal_grammar(element: Any) -> None:
    if element == "*":
        return
    if not isinstance(element, dict) or not element or not element.keys() <= _PRINCIPALS:
        raise malformed()
    if not all(isinstance(name, str) for names in element.values() for name in _listed(names)):
        raise malformed()


def _check_condition_grammar(conditions: Any) -> None:
    if not isinstance(conditions, dict):
        raise malformed()
    for operator, keys in conditions.items():
        if not isinstance(keys, dict):
            raise malformed()
        if keys:
            split_operator(operator)
        for values in keys.values():
            if not all(isinstance(value, str | bool | int | float) for value in _listed(values)):
                raise malformed()


def _check_statement(statement: dict[str, Any], kind: Kind) -> None:
    if "Effect" not in statement:
        raise malformed("Missing required field Effect")
    if kind == "identity" and not re.fullmatch("[0-9A-Za-z]*", statement.get("Sid", "")):
        raise malformed(
            "Statement IDs (SID) must be alpha-numeric."
            " Check that your input satisfies the regular expression [0-9A-Za-z]*"
        )
    _check_principals(statement, kind)
    actions = _listed(statement.get("Action", statement.get("NotAction", [])))
    if not actions:
        wording = "Policy statement must contain actions."
        raise malformed(wording if kind == "identity" else "Missing required field Action")
    _check_resources(statement, kind)
    for action in actions:
        _check_action(action)
        if kind == "trust" and not action.lower().startswith("sts:"):
            raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_principals(statement: dict[str, Any], kind: Kind) -> None:
    if kind == "identity":
        if "Principal" in statement or "NotPrincipal" in statement:
            raise malformed("Policy document should not specify a principal.")
        return
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise malformed("Missing required field Principal")
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise malformed("Allow with NotPrincipal is not allowed.")
    element = statement["Principal" if "Principal" in statement else "NotPrincipal"]
    if element == "*":
        return
    for type_, names in element.items():
        for name in _listed(names):
            if type_ == "AWS":
                valid = _AWS_PRINCIPAL.fullmatch(name) is not None
            elif type_ == "Service":
                valid = "." in name and "*" not in name
            else:
                valid = bool(name)
            if not valid:
                label = type_ if type_ == "AWS" else type_.upper()
                raise malformed(f'Invalid principal in policy: "{label}":"{name}"')


def _check_action(action: str) -> None:
    if action == "*":
        return
    vendor, _, name = action.partition(":")
    if not vendor or not name:
        raise malformed(_UNPREFIXED)
    if ":" in name:
        raise malformed("Actions/Condition can contain only one colon.")
    if not _VENDOR.fullmatch(vendor):
        raise malformed(f"Vendor {vendor} is not valid")


def _check_resources(statement: dict[str, Any], kind: Kind) -> None:
    name = next((name for name in ("Resource", "NotResource") if name in statement), None)
    if kind == "trust":
        if name is not None:
            raise malformed(f"Has prohibited field {name}")
        return
    resources = _listed(statement[name]) if name is not None else []
    if not resources:
        wording = "Policy statement must contain resources."
        raise malformed(wording if kind == "identity" else "Missing required field Resource")
    if kind == "identity":  # API Gateway has ``execute-api:/*``, and other services their own forms
        for resource in resources:
            _check_resource(resource)


def _check_resource(resource: str) -> None:
    if resource == "*":
        return
    parts = resource.split("${", maxsplit=1)[0].split(":")
    if ":" not in resource:
        raise malformed(f'Resource {resource} must be in ARN format or "*".')
    if "*" not in parts[1] and not _PARTITION.fullmatch(parts[1]) and "${" not in resource:
        whole = ":".join(["arn", *parts[1:], *["*"] * (6 - len(parts))])
        raise malformed(f'Partition "{parts[1]}" is not valid for resource "{whole}".')
    if parts[0] != "arn":
        raise malformed(f'Resource {resource} must be in ARN format or "*".')
    if len(parts) < 3 and "${" not in resource and "*" not in parts[1]:
        raise malformed("Resource vendor must be fully qualified and cannot contain regexes.")
    if len(parts) < 6:
        return
    _partition, vendor, region, account = parts[1:5]
    if vendor == "iam":
        _check_iam_resource(resource, region, ":".join(parts[5:]))
    elif vendor == "s3" and region and not account:
        raise malformed(f"Resource {resource} can not contain region information.")


def _check_iam_resource(resource: str, region: str, path: str) -> None:
    if region and region != "*":
        raise malformed(f"IAM resource {resource} cannot contain region information.")
    # A path may go on in a variable, and have wildcards anywhere.
    known = path == "root" or path.startswith(_IAM_PATHS)
    if not known and not re.search(r"[*?]", path) and "${" not in resource:
        listed = ", ".join(_IAM_PATHS)
        raise malformed(f'IAM resource path must either be "*", root, or start with {listed}.')


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]
