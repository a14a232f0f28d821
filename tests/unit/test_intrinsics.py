"""Templates, intrinsic functions, parameters and references: pure code, AWS's own words."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.errors import AwsError
from maycloud.services.cloudformation import graph, parameters
from maycloud.services.cloudformation.coercion import coerce
from maycloud.services.cloudformation.intrinsics import NO_VALUE, Scope, pseudo_parameters
from maycloud.services.cloudformation.macros import Macros
from maycloud.services.cloudformation.template import check_form, parse_template
from maycloud.services.cloudformation.transform import transform

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1"


class Made:
    """Two resources that are there."""

    def ref(self, logical_id: str) -> Any:
        return f"physical-{logical_id}"

    def attribute(self, logical_id: str, name: str) -> Any:
        return f"{logical_id}.{name}!"


def scope(template: dict[str, Any] | None = None, **values: Any) -> Scope:
    pseudo = pseudo_parameters("123456789012", "eu-west-1", "shop", STACK_ID)
    return Scope(template or {}, values | pseudo, Made())


def message(failure: pytest.ExceptionInfo[AwsError]) -> str:
    return failure.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Table"}, "physical-Table"),
        ({"Ref": "Stage"}, "v1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::StackName"}, "shop"),
        ({"Ref": "AWS::StackId"}, STACK_ID),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::NotificationARNs"}, []),
        ({"Fn::GetAtt": ["Table", "Arn"]}, "Table.Arn!"),
        ({"Fn::GetAtt": "Nested.Outputs.Url"}, "Nested.Outputs.Url!"),
        ({"Fn::GetAtt": ["Table", {"Ref": "Stage"}]}, "Table.v1!"),
        (
            {"Fn::Sub": "${Stage}/${Table}/${Table.Arn}/${!Kept}/$x"},
            "v1/physical-Table/Table.Arn!/${Kept}/$x",
        ),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Table"}}]}, "physical-Table-v1"),
        ({"Fn::Sub": ["${A.B}", {"A.B": 3}]}, "3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3, True, {"Ref": "AWS::NoValue"}]]}, "a-v1-3-true"),
        ({"Fn::Join": ["", {"Fn::Split": [",", "a,b"]}]}, "ab"),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::Select": [0, {"Ref": "List"}]}, "x"),
        ({"Fn::Split": ["|", "a||b"]}, ["a", "", "b"]),
        ({"Fn::Base64": {"Ref": "Stage"}}, "djE="),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 5]}, ["10.0.0.0/27", "10.0.0.32/27"]),
        ({"Fn::Cidr": ["192.168.0.0/16", "1"]}, ["192.168.0.0/24"]),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Length": {"Ref": "List"}}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Stage"}, "b": [1]}}, '{"a":"v1","b":[1]}'),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        # Two members: data of the user's own, such as a JSON schema, and no function.
        ({"Ref": "Table", "Other": 1}, {"Ref": "Table", "Other": 1}),
        (
            {"Condition": {"StringEquals": {"a": {"Ref": "Stage"}}}},
            {"Condition": {"StringEquals": {"a": "v1"}}},
        ),
    ],
)
def test_functions(value: Any, expected: Any) -> None:
    assert scope(Stage="v1", List=["x", "y"]).resolve(value) == expected


MAPPED = {"Mappings": {"M": {"eu-west-1": {"ami": "ami-1", "list": ["a"]}}}}


def test_find_in_map() -> None:
    there = {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "ami"]}
    assert scope(MAPPED).resolve(there) == "ami-1"
    fallback = {"Fn::FindInMap": ["M", "nowhere", "ami", {"DefaultValue": {"Ref": "AWS::Region"}}]}
    assert scope(MAPPED).resolve(fallback) == "eu-west-1"
    with pytest.raises(AwsError) as failure:
        scope(MAPPED).resolve({"Fn::FindInMap": ["M", "nowhere", "ami"]})
    assert message(failure) == "Template error: Unable to get mapping for M::nowhere::ami"
    with pytest.raises(AwsError) as failure:
        scope(MAPPED).resolve({"Fn::FindInMap": ["N", "a", "b"]})
    assert "Mapping named 'N' is not present" in message(failure)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Fn::Select": ["2", ["a", "b"]]}, "Fn::Select cannot select nonexistent value at index 2"),
        ({"Fn::Join": ["-"]}, "every Fn::Join object requires two parameters"),
        ({"Fn::Split": ["", "a"]}, "every Fn::Split object requires two parameters"),
        ({"Fn::Sub": "${a b}"}, "variable names in Fn::Sub syntax must contain only alphanumeric"),
        ({"Fn::Sub": "${List}"}, "variable List in Fn::Sub expression does not resolve to a string"),
        ({"Fn::Cidr": ["10.0.0.0/30", 5, 1]}, "cannot make 5 blocks of 10.0.0.0/30"),
        ({"Fn::Cidr": ["nonsense", 1]}, "Fn::Cidr cannot divide nonsense"),
        ({"Fn::ImportValue": "net"}, "No export named net found."),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "Fn::Transform of AWS::Include is not supported"),
        ({"Fn::Nonsense": 1}, "Encountered unsupported function: Fn::Nonsense Supported functions are: ["),
        ({"Fn::If": ["a", "b"]}, "Fn::If requires a list argument with three elements"),
        ({"Fn::GetAtt": ["OnlyName"]}, "every Fn::GetAtt object requires two non-empty parameters"),
    ],
)
def test_wrong_functions(value: Any, words: str) -> None:
    with pytest.raises(AwsError) as failure:
        scope(List=["a"]).resolve(value)
    assert failure.value.code == "ValidationError"
    assert words in message(failure)


CONDITIONS = {
    "Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "Big": {"Fn::Equals": [{"Ref": "Size"}, 3]},
    "Both": {"Fn::And": [{"Condition": "Prod"}, {"Condition": "Big"}]},
    "Any": {"Fn::Or": [{"Condition": "Prod"}, {"Fn::Not": [{"Condition": "Big"}]}]},
}


@pytest.mark.parametrize(
    ("stage", "size", "expected"),
    [
        ("prod", "3", {"Prod": True, "Big": True, "Both": True, "Any": True}),
        ("dev", "3", {"Prod": False, "Big": True, "Both": False, "Any": False}),
        ("dev", "1", {"Prod": False, "Big": False, "Both": False, "Any": True}),
    ],
)
def test_conditions(stage: str, size: str, expected: dict[str, bool]) -> None:
    found = scope({"Conditions": CONDITIONS}, Stage=stage, Size=size)
    assert found.evaluate_conditions() == expected
    chosen = found.resolve({"Fn::If": ["Both", "yes", {"Ref": "AWS::NoValue"}]})
    assert chosen == ("yes" if expected["Both"] else NO_VALUE)


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"A": {"Condition": "A"}}, "Circular dependencies for condition A"),
        ({"A": {"Condition": "B"}, "B": {"Condition": "A"}}, "Circular dependencies for condition"),
        ({"A": {"Condition": "C"}}, "Unresolved condition dependency C"),
        ({"A": "true"}, "Conditions can only be boolean operations"),
        ({"A": {"Fn::Or": [{"Condition": "A"}]}}, "requires a list of at least 2 and at most 10"),
    ],
)
def test_wrong_conditions(conditions: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError) as failure:
        scope({"Conditions": conditions}).evaluate_conditions()
    assert words in message(failure)


def test_addresses_are_localized() -> None:
    found = scope()
    found.localize = lambda text: text.replace("amazonaws.com", "here")
    url = {"Fn::Join": ["", ["https://", {"Fn::Sub": "a.${AWS::URLSuffix}"}, "/x"]]}
    assert found.resolve({"Url": url}) == {"Url": "https://a.here/x"}


# Text to template


def test_short_forms() -> None:
    parsed = parse_template("""
        AWSTemplateFormatVersion: 2010-09-09
        Resources:
          A:
            Type: T
            Properties:
              Ref: !Ref B
              Att: !GetAtt B.Outputs.Url
              Sub: !Sub "${B}"
              Pair: !Sub ["${x}", {x: !Ref B}]
              If: !If [C, !Select [0, !Split [",", a]], !Join ["", [!ImportValue x, !Base64 y]]]
              Account: 012345678901
              Octal: 0644
              Clock: 10:20
              200: text
              Zone: !GetAZs ""
              When: {Condition: !Not [!Equals [!FindInMap [M, a, b], !Cidr [c, 1]]]}
              Nested: !And [!Condition C, !Or [!Condition D, !Condition E]]
        """)
    assert parsed["AWSTemplateFormatVersion"] == "2010-09-09"
    assert parsed["Resources"]["A"]["Properties"] == {
        "Ref": {"Ref": "B"},
        "Att": {"Fn::GetAtt": ["B", "Outputs.Url"]},
        "Sub": {"Fn::Sub": "${B}"},
        "Pair": {"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]},
        "If": {
            "Fn::If": [
                "C",
                {"Fn::Select": [0, {"Fn::Split": [",", "a"]}]},
                {"Fn::Join": ["", [{"Fn::ImportValue": "x"}, {"Fn::Base64": "y"}]]},
            ]
        },
        "Account": "012345678901",
        "Octal": 0o644,
        "Clock": "10:20",
        "200": "text",
        "Zone": {"Fn::GetAZs": ""},
        "When": {
            "Condition": {
                "Fn::Not": [{"Fn::Equals": [{"Fn::FindInMap": ["M", "a", "b"]}, {"Fn::Cidr": ["c", 1]}]}]
            }
        },
        "Nested": {"Fn::And": [{"Condition": "C"}, {"Fn::Or": [{"Condition": "D"}, {"Condition": "E"}]}]},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2", "Template format error: YAML not well-formed. (line 2, column 1): duplicate key [a]"),
        ('{"a": 1, "a": 2}', "Template format error: JSON not well-formed: duplicate key [a]"),
        ("a: !Nope x", "(line 1, column 4): unknown tag !Nope"),
        ("a: [1", "Template format error: YAML not well-formed. (line "),
        ('{"a": ', "Template format error: JSON not well-formed."),
        ("- a", "Template format error: unsupported structure."),
        ("", "Template format error: unsupported structure."),
        ("a: &x [*x]", "Template format error: YAML aliases must not be recursive."),
        ("a: !!python/object/apply:os.getcwd []", "Template format error: YAML not well-formed."),
        ("? [1, 2]\n: x", "only strings can be keys"),
    ],
)
def test_malformed(text: str, words: str) -> None:
    with pytest.raises(AwsError) as failure:
        parse_template(text)
    assert words in message(failure)


def test_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(AwsError, match="aliases expand to too large"):
        parse_template("\n".join(lines))
    assert parse_template("a: &x {k: v}\nb: *x\nc: {<<: *x, d: 1}") == {
        "a": {"k": "v"}, "b": {"k": "v"}, "c": {"k": "v", "d": 1},
    }  # fmt: skip


# Keys that are no function's name.
_NAMES = st.text(max_size=8).filter(lambda name: not name.startswith(("Fn::", "Ref", "Condition")))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_NAMES, _JSON))
def test_json_is_read_as_it_is(value: dict[str, Any]) -> None:
    assert parse_template(json.dumps(value)) == value


@given(_JSON)
def test_values_without_functions_stay(value: Any) -> None:
    assert scope().resolve(value) == value


def test_form() -> None:
    def refused(**template: Any) -> str:
        with pytest.raises(AwsError) as failure:
            check_form(template)
        return message(failure)

    one = {"A": {"Type": "T"}}
    check_form({"Resources": one})
    assert refused(Resources={}) == "Template format error: At least one Resources member must be defined."
    assert refused(Resources=one, Foo=1) == "Invalid template property or properties [Foo]"
    assert "[2010-09-09] is the only supported" in refused(
        Resources=one, AWSTemplateFormatVersion="2011-01-01"
    )
    assert "Resource name my-a is non alphanumeric" in refused(Resources={"my-a": {"Type": "T"}})
    assert "[/Resources/A] Every Resources object must contain a Type" in refused(Resources={"A": {}})
    assert (
        refused(Resources={"A": {"Type": "T", "Props": {}}}) == "Invalid template resource property 'Props'"
    )
    assert "Number of resources, 501" in refused(Resources={f"A{n}": {"Type": "T"} for n in range(501)})


# References


def resources(**properties: Any) -> dict[str, Any]:
    return {"Resources": {name: {"Type": "T", **value} for name, value in properties.items()}}


def test_references_are_found() -> None:
    value = [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"x": {"Fn::Sub": ["${C.Arn} ${D} ${own} ${!no} ${AWS::Region}", {"own": {"Ref": "E"}}]}},
    ]
    assert list(graph.references(value)) == [
        ("A", None), ("B", "Arn"), ("C", "Arn"), ("D", None), ("AWS::Region", None), ("E", None),
    ]  # fmt: skip


def test_undefined_references() -> None:
    def refused(template: dict[str, Any]) -> str:
        with pytest.raises(AwsError) as failure:
            graph.check_references(template)
        return message(failure)

    missing = "Template format error: Unresolved resource dependencies [{}] in the {} block of the template"
    assert refused(resources(A={"Properties": {"x": {"Ref": "X"}, "y": {"Fn::Sub": "${Y}"}}})) == (
        missing.format("X, Y", "Resources")
    )
    assert refused(resources(A={"DependsOn": "Z"})) == missing.format("Z", "Resources")
    assert refused(resources(A={}) | {"Outputs": {"O": {"Value": {"Ref": "X"}}}}) == (
        missing.format("X", "Outputs")
    )
    assert (
        refused(resources(A={"Properties": {"x": {"Fn::GetAtt": ["X", "Arn"]}}}))
        == "Template error: instance of Fn::GetAtt references undefined resource X"
    )
    assert "Unresolved condition dependency C in the Resources" in refused(resources(A={"Condition": "C"}))


def test_conditions_take_away_what_depends_on_them() -> None:
    template = resources(
        A={"Condition": "C"}, B={"Properties": {"x": {"Fn::If": ["C", {"Ref": "A"}, "none"]}}}
    )
    assert list(graph.active(template, "Resources", {"C": True})) == ["A", "B"]
    without = graph.active(template, "Resources", {"C": False})
    assert without == {"B": {"Type": "T", "Properties": {"x": "none"}}}
    bare = resources(A={"Condition": "C"}, B={"Properties": {"x": {"Ref": "A"}}})
    with pytest.raises(AwsError, match=r"Unresolved resource dependencies \[A\]"):
        graph.active(bare, "Resources", {"C": False})


def test_circles() -> None:
    template = resources(
        A={"Properties": {"x": {"Ref": "B"}}},
        B={"DependsOn": ["A"]},
        C={"Properties": {"x": {"Fn::GetAtt": ["A", "Arn"]}}},
        D={},
    )
    with pytest.raises(AwsError) as failure:
        graph.dependencies(template["Resources"])
    assert message(failure) == "Circular dependency between resources: [A, B]"
    del template["Resources"]["B"]["DependsOn"]
    assert graph.dependencies(template["Resources"]) == {"A": {"B"}, "B": set(), "C": {"A"}, "D": set()}


# Parameters


def choose(declared: dict[str, Any], previous: dict[str, str] | None = None, **given: Any) -> dict[str, str]:
    template = {"Parameters": {"P": {"Type": "String"} | declared}}
    parameters.check_declarations(template)
    wanted = [{"ParameterKey": name, **value} for name, value in given.items()]
    return parameters.choose(template, wanted, previous)


def test_parameter_values() -> None:
    value = {"ParameterValue": "v"}
    assert choose({}, P=value) == {"P": "v"}
    assert choose({"Default": 3}) == {"P": "3"}
    assert choose({"Default": "d"}, {"P": "old"}, P={"UsePreviousValue": True}) == {"P": "old"}
    assert choose({"Default": "d"}, {"P": "old"}) == {"P": "d"}
    with pytest.raises(AwsError) as failure:
        choose({})
    assert message(failure) == "Parameters: [P] must have values"
    with pytest.raises(AwsError) as failure:
        choose({}, P=value, Q=value)
    assert message(failure) == "Parameters: [Q] do not exist in the template"


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        ({"AllowedValues": ["a", 1]}, "b", "Parameter 'P' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-z]+"}, "ab1", "Parameter 'P' must match pattern [a-z]+"),
        ({"MinLength": 2}, "a", "Parameter 'P' must contain at least 2 characters"),
        ({"MaxLength": "2"}, "abc", "Parameter 'P' must contain at most 2 characters"),
        ({"Type": "Number"}, "x", "Parameter 'P' must be a number."),
        ({"Type": "Number", "MinValue": 2}, "1.5", "Parameter 'P' must be a number not less than 2"),
        ({"Type": "Number", "MaxValue": 2}, "3", "Parameter 'P' must be a number not greater than 2"),
        ({"Type": "List<Number>"}, "1, x", "Parameter 'P' must be a number."),
        (
            {"AllowedPattern": "a", "ConstraintDescription": "must be a"},
            "b",
            "Parameter 'P' failed to satisfy constraint: must be a",
        ),
    ],
)
def test_parameter_constraints(declared: dict[str, Any], value: str, words: str) -> None:
    with pytest.raises(AwsError) as failure:
        choose(declared, P={"ParameterValue": value})
    assert message(failure) == words


def test_parameter_declarations() -> None:
    for declared, words in (
        ({"Type": "Strange"}, "Template format error: Unrecognized parameter type: Strange"),
        ({"Type": "String", "Foo": 1}, "Invalid template parameter property 'Foo'"),
        ({}, "[/Parameters/P] Every Parameters object must contain a Type member."),
    ):
        with pytest.raises(AwsError) as failure:
            parameters.check_declarations({"Parameters": {"P": declared}})
        assert words in message(failure)


def test_parameters_from_elsewhere() -> None:
    async def fetch(service: str, name: str, version: str) -> str:
        return f"<{service} {name} {version}>".replace("many ", "a, b")

    template = {
        "Parameters": {
            "One": {"Type": "AWS::SSM::Parameter::Value<String>"},
            "List": {"Type": "CommaDelimitedList"},
            "Plain": {"Type": "String", "NoEcho": True},
        }
    }
    values = {"One": "/a", "List": "x, y", "Plain": "p"}
    found = asyncio.run(parameters.look_up(template, values, fetch))
    assert found == {"One": "<ssm /a >", "List": ["x", "y"], "Plain": "p"}
    assert parameters.looked_up(template, found) == {"One": "<ssm /a >"}
    assert parameters.is_secret(template, "Plain")
    assert not parameters.is_secret(template, "One")
    value = {"a": ["x{{resolve:ssm:/k:2}}y{{resolve:ssm-secure:s}}"], "b": "{{resolve:other:1}}"}
    assert asyncio.run(parameters.resolve_dynamic(value, fetch)) == {
        "a": ["x<ssm /k 2>y<ssm-secure s >"],
        "b": "{{resolve:other:1}}",
    }


# Types and transforms


def test_scalars_take_the_operations_types() -> None:
    given = {
        "FunctionName": 7,
        "MemorySize": "256",
        "Publish": "true",
        "Environment": {"Variables": {"A": 1, "B": True, "C": "c"}},
        "Layers": "arn:one",
        "Description": None,
    }
    assert coerce("lambda", "CreateFunction", given) == {
        "FunctionName": "7",
        "MemorySize": 256,
        "Publish": True,
        "Environment": {"Variables": {"A": "1", "B": "true", "C": "c"}},
        "Layers": ["arn:one"],
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Timeout": "soon"}, "#/Timeout: expected type: Integer, found: String"),
        ({"Timeout": 1.5}, "#/Timeout: expected type: Integer, found: Number"),
        ({"Timeout": True}, "#/Timeout: expected type: Integer, found: Boolean"),
        ({"Publish": "maybe"}, "#/Publish: expected type: Boolean, found: String"),
        ({"Handler": ["a"]}, "#/Handler: expected type: String, found: JSONArray"),
        ({"Environment": "x"}, "#/Environment: expected type: JSONObject, found: String"),
        ({"Environment": {"Variables": {"A": {}}}},
         "#/Environment/Variables/A: expected type: String, found: JSONObject"),
        ({"Timeout": "9" * 5000}, "#/Timeout: expected type: Integer, found: String"),
    ],
)  # fmt: skip
def test_scalars_that_have_another_type(given: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError) as failure:
        coerce("lambda", "CreateFunction", given)
    assert message(failure) == words


def serverless(**properties: Any) -> dict[str, Any]:
    function = {"Handler": "a.b", "Runtime": "python3.12", "CodeUri": "s3://bucket/key"} | properties
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": {"Timeout": 9}},
        "Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": function}},
    }


class NoMacros(Macros):
    """An account without macros."""

    def __init__(self) -> None:
        self._account = self._region = ""
        self._known = SimpleNamespace(get=lambda *_: None)


def transformed(template: dict[str, Any]) -> dict[str, Any]:
    async def read(_url: str) -> str:
        raise AssertionError("nothing is included")

    return asyncio.run(transform(template, {}, {}, "000000000000", "eu-west-1", read, NoMacros()))


def test_serverless_transform() -> None:
    source = serverless(Policies=["AmazonDynamoDBReadOnlyAccess"])
    found = transformed(source)
    function, role = found["Resources"]["F"], found["Resources"]["FRole"]
    assert function["Type"] == "AWS::Lambda::Function"
    assert function["Properties"]["Timeout"] == 9
    assert function["Properties"]["Code"] == {"S3Bucket": "bucket", "S3Key": "key"}
    assert "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess" in role["Properties"]["ManagedPolicyArns"]
    assert "Globals" not in found
    assert "Transform" in source, "the source was changed"


def test_transforms_that_fail() -> None:
    with pytest.raises(AwsError) as failure:
        transformed(serverless(Nonsense=1))
    assert message(failure).startswith(
        "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification"
        " document. Number of errors found: 1. Resource with id [F] is invalid."
    )
    with pytest.raises(AwsError) as failure:
        transformed({"Transform": "Mine", "Resources": {}})
    assert message(failure) == "No transform named Mine found."
