"""Mapping templates, parameter mappings, routing, proxy answers and request validation of API Gateway."""

import base64
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maycloud.services.apigateway import jsonpath, proxy, validation, velocity
from maycloud.services.apigateway.mapping import MappingInput, evaluate, render, substitute_variables
from maycloud.services.apigateway.routing import Router
from maycloud.services.apigateway.velocity import TemplateError

BODY = {"name": "Ann", "tags": ["a", "b"], "nested": {"n": 1, "ok": True, "none": None}, "quote": 'it\'s "x"'}


def data(**more: Any) -> MappingInput:
    given_: dict[str, Any] = {
        "body": json.dumps(BODY).encode(),
        "path": {"id": "7"},
        "querystring": {"q": ["1", "2"]},
        "headers": {"host": ["api.example"], "x-many": ["1", "2"]},
        "context": {"stage": "v1", "identity": {"sourceIp": "10.0.0.1"}},
        "stage_variables": {"color": "green"},
    }
    return MappingInput(**(given_ | more))


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("$input.json('$.name')", '"Ann"'),
        ("$input.json('$')", json.dumps(BODY, separators=(",", ":"))),
        ("$input.path('$.name')", "Ann"),
        ("$input.path('$.tags').size()", "2"),
        ("$input.path('$.tags[1]')", "b"),
        ("$input.path('$.nested.ok')", "true"),
        ("$input.path('$.nested').n", "1"),
        ("$input.path('$.tags')", "[a, b]"),
        ("$input.params('id') $input.params('q') $input.params('Host')", "7 2 api.example"),
        ("$input.params().path.id", "7"),
        ("$input.params().querystring.get('q')", "2"),
        ("$context.stage $context.identity.sourceIp", "v1 10.0.0.1"),
        ("[$context.nothing]", "[]"),
        ("$stageVariables.color", "green"),
        ("$util.escapeJavaScript($input.path('$.quote'))", 'it\\\'s \\"x\\"'),
        ("$util.urlEncode('a b&c')", "a+b%26c"),
        ("$util.urlDecode('a+b%26c')", "a b&c"),
        ("$util.base64Encode('hi') $util.base64Decode('aGk=')", "aGk= hi"),
        ("$util.parseJson('{\"a\": [1]}').a.get(0)", "1"),
        (
            "#set($x = 'a,b')#foreach($p in $x.split(','))$foreach.index=$p#if($foreach.hasNext);#end#end",
            "0=a;1=b",
        ),
        ("#if($input.path('$.name') == 'Ann')yes#{else}no#end", "yes"),
        ("#foreach($k in $input.path('$.nested').keySet())$k #end", "n ok none "),
        ("$input.body.length()", str(len(json.dumps(BODY)))),
    ],
)
def test_templates_render_as_documented(template: str, wanted: str) -> None:
    assert render(template, data()).text == wanted


def test_templates_override_request_and_response() -> None:
    rendered = render(
        "#set($context.responseOverride.status = 418)#set($context.requestOverride.header.a = 'b')", data()
    )
    assert rendered.response["status"] == 418
    assert rendered.request["header"] == {"a": "b"}


@pytest.mark.parametrize(
    "template",
    [
        "$input.__class__",
        "$input.json.__globals__",
        "$input.path('$.name').__class__.__mro__",
        "#set($s = '{0.__class__}')$s.format($input)",
        "#set($f = $input.json)$f('$.name')",
        "$context.__init__.__globals__",
        "$util._private",
    ],
)
def test_templates_reach_nothing_of_python(template: str) -> None:
    text = render(template, data()).text
    assert "class" not in text.replace(template, "")
    assert "Ann" not in text


@pytest.mark.parametrize(
    "template",
    [
        "#foreach($i in [1..100000000])#end",
        "#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])x#end#end#end",
        "#macro(again)#again()#end#again()",
        "#set($s = 'x')#foreach($i in [1..900])#set($s = \"$s$s\")#end",
    ],
)
def test_templates_cannot_hold_up_the_cloud(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, data())


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("method.request.querystring.q", "2"),
        ("method.request.multivaluequerystring.q", ["1", "2"]),
        ("method.request.header.HOST", "api.example"),
        ("method.request.path.id", "7"),
        ("method.request.body.nested.n", "1"),
        ("method.request.body.name", "Ann"),
        ("stageVariables.color", "green"),
        ("context.identity.sourceIp", "10.0.0.1"),
        ("'static'", "static"),
        ("method.request.header.missing", None),
        ("integration.response.header.x", None),
    ],
)
def test_parameters_map_as_documented(expression: str, wanted: Any) -> None:
    assert evaluate(expression, data()) == wanted


def test_stage_variables_fill_addresses() -> None:
    assert substitute_variables("http://${stageVariables.host}/x", {"host": "h"}) == "http://h/x"
    assert substitute_variables("http://${stageVariables.none}/x", {}) == "http:///x"


@given(st.text(max_size=40))
def test_json_paths_fail_in_one_way_only(path: str) -> None:
    try:
        steps = jsonpath.parse(path)
    except jsonpath.PathError:
        return
    assert isinstance(steps, tuple)
    jsonpath.find(path, BODY)


# Routing

ROUTES = Router(
    (path, path) for path in ("/", "/a", "/a/{id}", "/a/{id}/b", "/a/fixed", "/{proxy+}", "/c/{x+}")
)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", ("/", {})),
        ("/a", ("/a", {})),
        ("/a/", ("/a", {})),
        ("/a/7", ("/a/{id}", {"id": "7"})),
        ("/a/fixed", ("/a/fixed", {})),
        ("/a/7/b", ("/a/{id}/b", {"id": "7"})),
        ("/a/7/c", ("/{proxy+}", {"proxy": "a/7/c"})),
        ("/x/y/z", ("/{proxy+}", {"proxy": "x/y/z"})),
        ("/c/1/2", ("/c/{x+}", {"x": "1/2"})),
        ("/a/b%20c%2Fd", ("/a/{id}", {"id": "b%20c%2Fd"})),
    ],
)
def test_the_most_specific_resource_wins(path: str, wanted: tuple[str, dict[str, str]]) -> None:
    assert ROUTES.match(path) == wanted


def test_no_resource_no_match() -> None:
    assert Router([("/a", 1)]).match("/b") is None
    assert Router([("/a/{id}", 1)]).match("/a") is None


# Proxy answers


def answer(
    value: Any, accept: str = "", types: list[str] | None = None
) -> tuple[int, dict[bytes, bytes], bytes]:
    status, headers, body = proxy.read_answer(json.dumps(value).encode(), accept, types or [])
    return status, dict(headers), body


def test_a_proxy_answer_is_taken_over() -> None:
    status, headers, body = answer({"statusCode": 201, "headers": {"X-A": "1"}, "body": "hé"})
    assert (status, headers[b"x-a"], body) == (201, b"1", "hé".encode())
    assert headers[b"content-type"] == b"application/json"
    assert answer({})[0] == 200
    assert answer({"statusCode": "404", "body": None})[::2] == (404, b"")


def test_multi_value_headers_win_over_single_ones() -> None:
    raw = proxy.read_answer(
        json.dumps({"headers": {"A": "1", "B": "2"}, "multiValueHeaders": {"a": ["3", "4"]}}).encode(), "", []
    )[1]
    assert [pair for pair in raw if pair[0] in (b"a", b"b")] == [(b"a", b"3"), (b"a", b"4"), (b"b", b"2")]


def test_binary_bodies_are_decoded_for_binary_types() -> None:
    sent = {
        "isBase64Encoded": True,
        "headers": {"content-type": "image/png"},
        "body": base64.b64encode(b"\x89P").decode(),
    }
    assert answer(sent, "image/png", ["image/png"])[2] == b"\x89P"
    assert answer(sent, "*/*", ["*/*"])[2] == b"\x89P"
    assert answer(sent, "text/html", [])[2] == base64.b64encode(b"\x89P")


@pytest.mark.parametrize(
    "value",
    [
        "text", [1], 7, None, {"statusCode": "x"}, {"statusCode": 99}, {"statusCode": True},
        {"statusCode": 1000},
        {"body": {"a": 1}}, {"headers": [1]}, {"headers": {"a": {"b": 1}}}, {"headers": {"a\r\nb": "1"}},
        {"headers": {"a": "1\r\nset-cookie: x"}}, {"multiValueHeaders": "x"},
    ],
)  # fmt: skip
def test_malformed_answers_are_refused(value: Any) -> None:
    with pytest.raises(proxy.MalformedProxyError):
        proxy.read_answer(json.dumps(value).encode(), "", [])


def test_headers_that_a_function_may_not_set() -> None:
    headers = answer({"headers": {"Date": "x", "Connection": "close", "Transfer-Encoding": "chunked"}})[1]
    assert headers.keys() == {b"x-amzn-remapped-date", b"x-amzn-remapped-connection", b"content-type"}


# Validation

TODO_MODEL = json.dumps(
    {
        "type": "object",
        "required": ["title"],
        "additionalProperties": False,
        "properties": {"title": {"type": "string", "minLength": 1}, "owner": {
            "$ref": "https://apigateway.amazonaws.com/restapis/abc/models/Owner"}},
    }
)  # fmt: skip
MODELS = {"Todo": TODO_MODEL, "Owner": json.dumps({"type": "object", "required": ["id"]})}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"title": "x"}', None),
        (b'{"title": "x", "owner": {"id": 1}}', None),
        (b"{}", '[object has missing required properties (["title"])]'),
        (
            b'{"title": 1}',
            '[instance type (integer) does not match any allowed primitive type (allowed: ["string"])]',
        ),
        (
            b'{"title": "x", "y": 1}',
            '[object instance has properties which are not allowed by the schema: ["y"]]',
        ),
        (b'{"title": "x", "owner": {}}', '[object has missing required properties (["id"])]'),
        (b"{not json", "Invalid JSON"),
    ],
)
def test_bodies_are_checked_against_models(body: bytes, wanted: str | None) -> None:
    assert validation.body_problem(TODO_MODEL, MODELS, body) == wanted


MULTIPLYING: dict[str, Any] = {"$ref": "#/definitions/d0", "definitions": {"d40": {}}}
for _number in range(40):
    MULTIPLYING["definitions"][f"d{_number}"] = {"allOf": [{"$ref": f"#/definitions/d{_number + 1}"}] * 2}


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ({"items": {"type": "string"}}, list(range(300_000))),
        ({"uniqueItems": True}, [{"a": number} for number in range(20_000)]),
        ({"items": {"enum": [[number] for number in range(300)]}}, [[0]] * 20_000),
        ({"$ref": 5}, 1),
        ({"$ref": "#"}, 1),
        (MULTIPLYING, {}),
    ],
    ids=["errors", "unique", "enum", "no-reference", "itself", "multiplying"],
)  # fmt: skip
def test_validation_ends(schema: Any, body: Any) -> None:
    """Neither a model nor a body may hold up the cloud."""
    begun = time.thread_time()
    problem = validation.body_problem(json.dumps(schema), {}, json.dumps(body).encode())
    assert time.thread_time() - begun < 15
    assert len(problem or "") < 20_000


def test_equal_is_what_json_schema_calls_so() -> None:
    unique = '{"uniqueItems": true}'
    for different in ("[1, true]", "[0, false]", '["1", 1]', "[[], {}]", '[{"a": 1}, {"a": 2}]', "[null, 0]"):
        assert validation.body_problem(unique, {}, different.encode()) is None, different
    for same in ("[1, 1.0]", '[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', "[[1, [2]], [1, [2]]]"):
        assert validation.body_problem(unique, {}, same.encode()), same
    assert validation.body_problem('{"enum": [{"a": [1.0]}]}', {}, b'{"a": [1]}') is None
    assert validation.body_problem('{"enum": [true]}', {}, b"1")


LOOP = '#set($a = "x")#set($l = [1])#foreach($i in [1..60])'


@pytest.mark.parametrize(
    "template",
    [
        LOOP + "#set($a = $a.concat($a))#end$a",
        LOOP + "#set($a = $a + $a)#end$a",
        LOOP + '#set($a = "$a$a")#end$a',
        LOOP + '#set($a = $a.replace("", $a))#end$a',
        LOOP + '#set($a = $a.replaceAll("x*", "$a$a"))#end$a',
        LOOP + "#set($x = $l.addAll($l))#end$l",
        LOOP + "#set($l = [$l, $l])#end$l",
        "#set($m = [1])" + LOOP + "#set($l = [$l, $l])#set($m = [$m, $m])#if($l == $m)same#end#end",
        "#set($n = 9)" + LOOP + "#set($n = $n * $n)#end$n",
        '#set($a = "x" * 999999999)',
        '#set($a = "%999999999d" % 1)',
        "#set($l = [1] * 999999999)",
        "#foreach($i in [1..1000])#foreach($j in [1..150])" + "text " * 1000 + "#end#end",
        "#foreach($i in [1..999999999])x#end",
        "#set($l = [1])#foreach($i in $l)#set($x = $l.add(1))#end",
    ],
)
def test_templates_end(template: str) -> None:
    """What doubles, repeats or compares is bounded by work and size."""
    begun = time.thread_time()
    with pytest.raises(TemplateError):
        velocity.merge(template, {})
    assert time.thread_time() - begun < 15


def test_a_list_that_holds_itself_is_no_json() -> None:
    with pytest.raises(TemplateError):
        render("$input.path('$').add($input.path('$'))$input.json('$')", MappingInput(body=b"[1]"))


@pytest.mark.parametrize("path", ["$" + "..a" * 6, "$[" + "9" * 5000 + "]"])
def test_paths_end(path: str) -> None:
    nested: Any = {}
    for _ in range(300):
        nested = {"a": nested}
    with pytest.raises(jsonpath.PathError):
        jsonpath.find(path, nested)


def test_required_parameters() -> None:
    required = {
        "method.request.header.Host": True,
        "method.request.querystring.page": True,
        "method.request.querystring.q": False,
        "method.request.path.id": True,
    }
    assert validation.missing_parameters(required, data()) == ["page"]
