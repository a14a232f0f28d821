"""The compiled hot modules: used while they are what the sources say, and never after."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import pytest

from maycloud import native
from running import RunningCloud, without_settings

built = pytest.mark.skipif(not native.is_built(), reason="not compiled here: see test_built_where_it_can_be")


def test_built_where_it_can_be() -> None:
    """`make test` compiles, so that what the tests show is shown of the compiled modules."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if os.environ.get("MAY_NATIVE") == "0" or shutil.which(compiler) is None or not headers.exists():
        pytest.skip("no compiler, no headers, or not wanted")
    assert native.state() == native.COMPILED, "make native"


def _file_of(module: str, tree: Path, **environment: str) -> str:
    kept = without_settings()
    kept.pop("MAY_NATIVE", None)
    done = subprocess.run(
        [sys.executable, "-c", f"import {module} as module; print(module.__file__)"],
        capture_output=True, text=True, check=True, env=kept | {"PYTHONPATH": str(tree)} | environment,
    )  # fmt: skip
    return done.stdout.strip()


@built
def test_an_edited_source_is_what_runs(tmp_path: Path) -> None:
    for module in ("maycloud", "maycloud.native", *native.MODULES):
        name = "maycloud/__init__.py" if module == "maycloud" else module.replace(".", "/") + ".py"
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(native.SOURCES / name, tmp_path / name)
    edited, other = tmp_path / "maycloud" / "dispatch.py", "maycloud.principal"
    assert _file_of(other, tmp_path).endswith(native.SUFFIX)
    assert _file_of(other, tmp_path, MAY_NATIVE="0") == str(tmp_path / "maycloud" / "principal.py")
    before = edited.read_bytes()
    edited.write_bytes(before + b"\n")
    # They are compiled together, so that one edit makes all of them stale.
    assert _file_of(other, tmp_path) == str(tmp_path / "maycloud" / "principal.py")
    edited.write_bytes(before)
    assert _file_of(other, tmp_path).endswith(native.SUFFIX)


def test_an_unfinished_build_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "folder", lambda: tmp_path)
    (tmp_path / f"maycloud.principal{native.SUFFIX}").touch()
    before = list(sys.meta_path)
    native.install()
    assert sys.meta_path == before


@pytest.mark.parametrize("setting", [pytest.param("1", marks=built), "0"])
def test_a_cloud_answers_compiled_and_not(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAY_NATIVE", setting)
    cloud = RunningCloud(tmp_path / "data").start()
    try:
        assert cloud.process is not None
        if sys.platform == "linux":
            maps = Path(f"/proc/{cloud.process.pid}/maps").read_text()
            assert (native.LIBRARY in maps) == (setting == "1")
        dynamodb = cloud.client("dynamodb")
        dynamodb.create_table(
            TableName="native", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )  # fmt: skip
        item = {"id": {"S": "a"}, "n": {"N": "1"}}
        dynamodb.put_item(TableName="native", Item=item)
        assert dynamodb.get_item(TableName="native", Key={"id": {"S": "a"}})["Item"] == item
        forged = cloud.client("dynamodb", secret="wrong")
        with pytest.raises(forged.exceptions.ClientError, match="signature we calculated does not match"):
            forged.get_item(TableName="native", Key={"id": {"S": "a"}})
    finally:
        cloud.stop()


@cache
def _classes(module: str) -> list[ast.ClassDef]:
    tree = ast.parse(native.source(module).read_text())
    return [each for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]


@pytest.mark.parametrize("module", native.MODULES)
def test_classes_are_of_no_class_that_is_not_compiled(module: str) -> None:
    """mypyc lays an object out without what it cannot see, and the process dies of it."""
    allowed = {
        "Exception",
        "dict",
        "Protocol",
        "NamedTuple",  # which mypyc knows, and leaves a Python class
        *(each.name for name in native.MODULES for each in _classes(name)),
    }
    for each in _classes(module):
        assert {ast.unparse(base).partition("[")[0] for base in each.bases} <= allowed, each.name


@pytest.mark.parametrize("module", native.MODULES)
def test_no_name_catches_two_kinds_of_errors(module: str) -> None:
    """In one function; mypyc gives a name one type, and raises TypeError for what is of another."""
    for function in ast.walk(ast.parse(native.source(module).read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        caught: dict[str, str] = {}
        for each in ast.walk(function):
            if isinstance(each, ast.ExceptHandler) and each.name and each.type:
                kind = caught.setdefault(each.name, ast.unparse(each.type))
                assert kind == ast.unparse(each.type), f"{function.name}: {each.name}"
