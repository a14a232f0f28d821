"""The same random operations through DAX and to DynamoDB itself give the same answers and errors."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import daxes
from running import RunningCloud

ONCE = Config(retries={"max_attempts": 0})
THROUGH, DIRECT = "PropThrough", "PropDirect"
_examples = itertools.count()


@pytest.fixture(scope="module")
def clients(cloud: RunningCloud) -> Iterator[tuple[Any, Any]]:
    for name in (THROUGH, DIRECT):
        daxes.table(cloud, name, pk="S", sk="N")
    found = daxes.cluster(cloud, "random", daxes.role(cloud, "DaxRandom"))
    with daxes.connected(found["ClusterDiscoveryEndpoint"]["URL"], config=ONCE) as dax:
        yield dax, cloud.client("dynamodb")


number = st.integers(-3, 3).map(str) | st.sampled_from(["0.5", "-2.25", "1e3", "12345678901234567890"])
scalar = (
    st.fixed_dictionaries({"S": st.text("ab", max_size=2)})
    | st.fixed_dictionaries({"N": number})
    | st.fixed_dictionaries({"B": st.binary(max_size=2)})
    | st.fixed_dictionaries({"BOOL": st.booleans()})
    | st.just({"NULL": True})
    | st.fixed_dictionaries({"SS": st.sets(st.sampled_from("abc"), min_size=1).map(sorted)})
    | st.fixed_dictionaries({"NS": st.sets(st.sampled_from(["1", "2", "-0.5"]), min_size=1).map(sorted)})
)
value = st.recursive(
    scalar,
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=2)})
        | st.fixed_dictionaries({"M": st.dictionaries(st.sampled_from("xy"), inner, max_size=2)})
    ),
    max_leaves=4,
)
key = st.fixed_dictionaries(
    {
        "pk": st.sampled_from("pq").map(lambda name: {"S": name}),
        "sk": st.sampled_from(["1", "-1", "0.5"]).map(lambda text: {"N": text}),
    }
)
attributes = st.dictionaries(st.sampled_from(["a", "b", "c"]), value, max_size=3)
item = st.tuples(key, attributes).map(lambda parts: parts[1] | parts[0])

names = {"#a": "a", "#b": "b", "#c": "c"}
path = st.sampled_from(["#a", "#b", "#c", "#a.x", "#b[0]", "#a.x[1]"])
condition = st.one_of(
    st.builds("attribute_exists({})".format, path),
    st.builds("attribute_not_exists({})".format, path),
    st.builds("{} = :v".format, path),
    st.builds("{} <> :v AND NOT {} = :w".format, path, path),
    st.builds("({} < :v OR size({}) > :w) AND attribute_exists(pk)".format, path, path),
    st.builds("contains({}, :v) OR {} IN (:v, :w)".format, path, path),
    st.builds("{} BETWEEN :w AND :v".format, path),
)
update = st.one_of(
    st.builds("SET {} = :v".format, path),
    st.builds("SET #a = if_not_exists({}, :v), #c = :w".format, path),
    st.builds("SET #b = #b + :w".format),
    st.builds("SET #a = list_append(#a, :v) REMOVE #c".format),
    st.builds("REMOVE {}".format, path),
    st.builds("ADD {} :v".format, st.sampled_from(["#a", "#b"])),
    st.builds("DELETE {} :v".format, st.sampled_from(["#a", "#b"])),
)
returned = st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])


def _identity(of: dict[str, Any]) -> tuple[str, str]:
    return of["pk"]["S"], of["sk"]["N"]


def expressions(draw: Any, **texts: str | None) -> dict[str, Any]:
    """Expressions with the names and values that they use."""
    given_texts = {kind: text for kind, text in texts.items() if text is not None}
    every = " ".join(given_texts.values())
    found: dict[str, Any] = dict(given_texts)
    if used := {name: name[1:] for name in names if name in every}:
        found["ExpressionAttributeNames"] = used
    values = {name: draw(value) for name in (":v", ":w") if name in every}
    if values:
        found["ExpressionAttributeValues"] = values
    return found


@st.composite
def operations(draw: Any) -> tuple[str, dict[str, Any]]:
    """An operation and its parameters, the table left out."""
    kind = draw(
        st.sampled_from(["put_item", "get_item", "update_item", "delete_item", "query", "batch", "transact"])
    )
    maybe = draw(st.none() | condition)
    if kind == "put_item":
        old = draw(st.sampled_from(["NONE", "ALL_OLD"]))
        return kind, {"Item": draw(item), "ReturnValues": old} | expressions(draw, ConditionExpression=maybe)
    if kind == "delete_item":
        old = draw(st.sampled_from(["NONE", "ALL_OLD"]))
        return kind, {"Key": draw(key), "ReturnValues": old} | expressions(draw, ConditionExpression=maybe)
    if kind == "update_item":
        texts = expressions(draw, UpdateExpression=draw(update), ConditionExpression=maybe)
        return kind, {"Key": draw(key), "ReturnValues": draw(returned)} | texts
    if kind == "query":
        texts = expressions(draw, FilterExpression=maybe, ProjectionExpression=draw(st.none() | path))
        values = {":p": {"S": draw(st.sampled_from("pq"))}} | texts.pop("ExpressionAttributeValues", {})
        asked = {
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
        }
        return kind, asked | texts | {
            "ScanIndexForward": draw(st.booleans()),
            "Limit": draw(st.integers(1, 4)),
        }
    if kind == "batch":
        if draw(st.booleans()):
            return "batch_get_item", {
                "Keys": draw(st.lists(key, min_size=1, max_size=3, unique_by=_identity))
            }
        chosen = draw(st.lists(key, min_size=1, max_size=3, unique_by=_identity))
        puts = [{"PutRequest": {"Item": draw(attributes) | each}} for each in chosen[1:]]
        return "batch_write_item", {"Requests": [*puts, {"DeleteRequest": {"Key": chosen[0]}}]}
    if kind == "transact":
        chosen = draw(st.lists(key, min_size=1, max_size=2, unique_by=_identity))
        puts = [{"Put": {"Item": draw(attributes) | each}} for each in chosen[1:]]
        check = {"Key": chosen[0]} | expressions(draw, ConditionExpression=draw(condition))
        return "transact_write_items", {"Actions": [*puts, {"ConditionCheck": check}]}
    texts = expressions(draw, ProjectionExpression=draw(st.none() | path))
    return kind, {"Key": draw(key), "ConsistentRead": draw(st.booleans())} | texts


def run(client: Any, table: str, example: int, operation: str, params: dict[str, Any]) -> Any:
    """The answer, or the error's code. Keys are of the example alone."""
    params = _own(params, example)
    if operation == "batch_get_item":
        params = {"RequestItems": {table: params}}
    elif operation == "batch_write_item":
        params = {"RequestItems": {table: params["Requests"]}}
    elif operation == "transact_write_items":
        actions = [
            {kind: action | {"TableName": table}}
            for each in params["Actions"]
            for kind, action in each.items()
        ]
        params = {"TransactItems": actions}
    else:
        params = params | {"TableName": table}
    try:
        answer = getattr(client, operation)(**params)
    except ClientError as error:
        return error.response["Error"]["Code"]
    answer.pop("ResponseMetadata", None)
    return _plain(_untabled(answer, table))


def _own(given_value: Any, example: int) -> Any:
    """Partition keys with the example's number in them."""
    if isinstance(given_value, dict):
        return {
            name: {"S": f"{example}{member['S']}"} if name in ("pk", ":p") else _own(member, example)
            for name, member in given_value.items()
        }
    return [_own(each, example) for each in given_value] if isinstance(given_value, list) else given_value


def _untabled(answer: dict[str, Any], table: str) -> dict[str, Any]:
    """Without the table's name; a batch's items by their key, for they come in any order."""
    if isinstance(answer.get("Responses"), dict):
        items = answer["Responses"].get(table, [])
        answer["Responses"] = {f"{each['pk']['S']}/{Decimal(each['sk']['N'])}": each for each in items}
    return answer


def _plain(answer: Any) -> Any:
    """Numbers by their value and sets without order; clients word both as they like."""
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    found: dict[str, Any] = {}
    for name, member in answer.items():
        if name == "N" and isinstance(member, str):
            found[name] = Decimal(member)
        elif name == "NS":
            found[name] = sorted(map(Decimal, member))
        else:
            found[name] = sorted(member) if name in ("SS", "BS") else _plain(member)
    return found


# The client's threads use `random` for their own ends while strategies draw.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(operations(), min_size=1, max_size=12))
def test_dax_answers_as_dynamodb_does(
    clients: tuple[Any, Any], steps: list[tuple[str, dict[str, Any]]]
) -> None:
    dax, dynamodb = clients
    example = next(_examples)
    for operation, params in steps:
        through = run(dax, THROUGH, example, operation, params)
        direct = run(dynamodb, DIRECT, example, operation, params)
        assert through == direct, (operation, params)
