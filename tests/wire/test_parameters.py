"""Parameter Store's answers and refusals, as moto and LocalStack have them of AWS.

moto: tests/test_ssm/test_ssm_boto3.py; LocalStack: tests/aws/services/ssm/test_ssm.py, validated by AWS.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from running import RunningCloud


@pytest.fixture
def ssm(cloud: RunningCloud) -> Any:
    return cloud.client("ssm")


def refused(code: str, call: Any, /, **params: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def names(answer: dict[str, Any]) -> list[str]:
    return [each["Name"] for each in answer["Parameters"]]


def test_a_name_is_the_same_with_and_without_its_slash(ssm: Any) -> None:
    """LocalStack's test_put_parameters."""
    ssm.put_parameter(Name="one-level", Value="123", Type="String")
    for name in ("one-level", "/one-level"):
        found = ssm.get_parameter(Name=name)["Parameter"]
        assert (found["Name"], found["Value"]) == (name, "123")
        assert found["ARN"] == "arn:aws:ssm:us-east-1:000000000000:parameter/one-level"
        assert names(ssm.get_parameters(Names=[name])) == [name]
    assert ssm.get_parameter(Name=found["ARN"])["Parameter"]["Name"] == "one-level"
    refused("ParameterAlreadyExists", ssm.put_parameter, Name="/one-level", Value="x", Type="String")
    filters = [{"Key": "Name", "Values": ["/one-level"]}]
    assert names(ssm.describe_parameters(ParameterFilters=filters)) == ["one-level"]


@pytest.mark.parametrize("name", ["/a//b//c", "a/b/c"])
def test_names_that_are_no_paths_are_refused(ssm: Any, name: str) -> None:
    """LocalStack's test_hierarchical_parameter."""
    assert "sub-paths divided by slash symbol" in refused("ValidationException", ssm.get_parameter, Name=name)
    refused("ValidationException", ssm.get_parameters, Names=[name])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SSM_TEST", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'),
        ("aws_test", 'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).'),
        ("/AWS/PATH", "No access to reserved parameter name: /AWS/PATH."),
        ("/ssm_test/path", 'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as'),
    ],
)
def test_reserved_names(ssm: Any, name: str, message: str) -> None:
    """moto's test_put_parameter_invalid_names."""
    found = refused("ValidationException", ssm.put_parameter, Name=name, Value="v", Type="String")
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            [{"Key": "Label"}],
            "The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type,"
            " KeyId, Tier].",
        ),
        ([{"Key": "Name"}], "The following filter values are missing : null for filter key Name"),
        (
            [{"Key": "Name", "Values": ["a"]}, {"Key": "Name", "Values": ["b"]}],
            "The following filter is duplicated in the request: Name. A request can contain only one"
            " occurrence of"
            " a specific filter.",
        ),
        (
            [{"Key": "Path", "Values": ["/aws", "/ssm"]}],
            'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive).',
        ),
        (
            [{"Key": "Path", "Option": "Equals", "Values": ["test"]}],
            "The following filter option is not valid: Equals. Valid options include: [Recursive, OneLevel].",
        ),
        (
            [{"Key": "Tier", "Values": ["test"]}],
            "The following filter value is not valid: test. Valid values include: [Standard, Advanced,"
            " Intelligent-Tiering]",
        ),
        (
            [{"Key": "Name", "Option": "option", "Values": ["test"]}],
            "The following filter option is not valid: option. Valid options include: [BeginsWith, Equals].",
        ),
    ],
)
def test_filters_that_make_no_sense(ssm: Any, filters: list[dict[str, Any]], message: str) -> None:
    """moto's test_describe_parameters_invalid_parameter_filters."""
    with pytest.raises(ClientError) as caught:
        ssm.describe_parameters(ParameterFilters=filters)
    assert caught.value.response["Error"]["Message"] == message


@pytest.mark.parametrize(
    ("option", "paths", "found"),
    [
        ("OneLevel", ["/"], ["filtered"]),
        ("OneLevel", ["/foo/"], ["/foo/name1", "/foo/name2"]),
        ("OneLevel", ["/fo"], []),
        ("OneLevel", ["/bar/name3"], ["/bar/name3/name4"]),
        ("Recursive", ["/foo", "/bar"], ["/bar/name3", "/bar/name3/name4", "/foo/name1", "/foo/name2"]),
    ],
)
def test_path_filters(fresh_ssm: Any, option: str, paths: list[str], found: list[str]) -> None:
    """moto's test_describe_parameters_with_parameter_filters_path."""
    filters = [{"Key": "Path", "Option": option, "Values": paths}]
    assert names(fresh_ssm.describe_parameters(ParameterFilters=filters)) == found


@pytest.fixture(scope="module")
def fresh_ssm(cloud: RunningCloud) -> Any:
    """In a region of its own."""
    ssm = cloud.client("ssm", region="eu-west-1")
    for name in ("/foo/name1", "/foo/name2", "/bar/name3", "/bar/name3/name4", "filtered"):
        ssm.put_parameter(Name=name, Value="v", Type="String")
    return ssm


def test_by_path_from_the_root(fresh_ssm: Any) -> None:
    """moto's test_get_parameters_by_path."""
    assert names(fresh_ssm.get_parameters_by_path(Path="/")) == ["filtered"]
    whole = fresh_ssm.get_parameters_by_path(Path="/", Recursive=True, MaxResults=4)
    assert len(whole["Parameters"]) == 4
    rest = fresh_ssm.get_parameters_by_path(
        Path="/", Recursive=True, MaxResults=4, NextToken=whole["NextToken"]
    )
    assert (len(rest["Parameters"]), "NextToken" in rest) == (1, False)
    message = refused(
        "InvalidFilterKey", fresh_ssm.get_parameters_by_path, Path="/foo",
        ParameterFilters=[{"Key": "Tier", "Values": ["Standard"]}],
    )  # fmt: skip
    assert message == (
        "The following filter key is not valid: Tier. Valid filter keys include: [Type, KeyId]."
    )


def test_tiers(ssm: Any) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
    put = ssm.put_parameter
    assert put(Name="tier", Value="v", Type="String", Tier="Intelligent-Tiering")["Tier"] == "Standard"
    large = {"Name": "tier", "Value": "v" * 5000, "Overwrite": True}
    assert put(**large, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    message = refused("ValidationException", put, Name="tier", Value="v", Overwrite=True, Tier="Standard")
    assert message.startswith("This parameter uses the advanced-parameter tier. You can't downgrade")
    message = refused("ValidationException", put, Name="plain", Value="v" * 4097, Type="String")
    assert message.startswith(
        "Standard tier parameters support a maximum parameter value of 4096 characters."
    )
    message = refused("ValidationException", put, Name="typed", Value="v", Type="String", DataType="not_text")
    assert message == (
        "The following data type is not supported: not_text (Data type names are all lowercase.)"
    )


def test_policies_are_told(cloud: RunningCloud) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html"""
    ssm = cloud.client("ssm", region="eu-west-2")
    policy = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2100-01-01T00:00:00Z"}}
    wanted = {"Name": "ends", "Value": "v", "Type": "String", "Policies": json.dumps([policy])}
    refused("ValidationException", ssm.put_parameter, **wanted)
    ssm.put_parameter(**wanted, Tier="Advanced")
    (told,) = ssm.describe_parameters()["Parameters"][0]["Policies"]
    assert (told["PolicyType"], told["PolicyStatus"], json.loads(told["PolicyText"])) == (
        "Expiration", "Pending", policy,
    )  # fmt: skip


def test_a_policy_of_the_past_ends_a_parameter_at_once(ssm: Any) -> None:
    policy = {"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2000-01-01T00:00:00Z"}}
    ssm.put_parameter(Name="ended", Value="v", Type="String", Tier="Advanced", Policies=json.dumps([policy]))
    refused("ParameterNotFound", ssm.get_parameter, Name="ended")
    assert ssm.get_parameters(Names=["ended"])["InvalidParameters"] == ["ended"]
    unknown = json.dumps([{"Type": "Forever"}])
    refused(
        "InvalidPolicyTypeException", ssm.put_parameter, Name="wrong", Value="v", Type="String",
        Tier="Advanced", Policies=unknown,
    )  # fmt: skip


def test_lists_of_names_are_refused_as_a_whole(ssm: Any) -> None:
    """moto's test_label_parameter_version_invalid_label."""
    ssm.put_parameter(Name="labelled", Value="v", Type="String")
    label = "a" * 101
    message = refused("ValidationException", ssm.label_parameter_version, Name="labelled", Labels=[label])
    assert message.startswith(f"1 validation error detected: Value '[{label}]' at 'labels' failed to satisfy")
    assert "Member must satisfy constraint: [Member must have length less than or equal to 100," in message
    for wrong in ("awsabc", "ssmabc", "9abc", "abc/123"):
        answer = ssm.label_parameter_version(Name="labelled", Labels=[wrong])
        assert (answer["InvalidLabels"], answer["ParameterVersion"]) == ([wrong], 1)


@pytest.mark.parametrize("path", ["below", "//", "/a b", "/a//b"])
def test_paths_that_are_none(ssm: Any, path: str) -> None:
    """https://github.com/aws/copilot-cli/issues/66 and https://github.com/aws/aws-sdk-js-v3/issues/5928"""
    words = (
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a"
        ' forward slash "/". It can\'t be prefixed with \\"aws\\" or \\"ssm\\" (case-insensitive).'
        " It must use only letters, numbers, or the following symbols: . (period), - (hyphen),"
        " _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the"
        ' forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.'
    )
    assert refused("ValidationException", ssm.get_parameters_by_path, Path=path) == words
    filters = [{"Key": "Path", "Values": [path]}]
    assert refused("ValidationException", ssm.describe_parameters, ParameterFilters=filters) == words
    assert ssm.get_parameters_by_path(Path="/aws/service/none")["Parameters"] == []


def test_a_version_has_ten_labels(ssm: Any) -> None:
    """moto's test_label_parameter_version_exception_ten_labels_over_multiple_calls."""
    ssm.put_parameter(Name="labels", Value="v", Type="String")
    ssm.label_parameter_version(Name="labels", Labels=[f"label{number}" for number in range(10)])
    message = refused(
        "ParameterVersionLabelLimitExceeded", ssm.label_parameter_version, Name="labels", Labels=["eleventh"]
    )
    assert message.endswith(
        "A parameter version can have maximum 10 labels.Move one or more labels to another version and"
        " try again."
    )
    found = ssm.get_parameter_history(Name="labels")["Parameters"][0]["Labels"]
    assert len(found) == 10
