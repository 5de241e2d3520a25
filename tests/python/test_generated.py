"""Whatever is declared is a sync method, an async method, a docstring, a type, a reference page and a permission."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import xdrkit
from xdrkit import _core
from xdrkit._generated import aio, sync, types

OPERATIONS = {op["id"]: op for op in xdrkit.operations()}
OPTIONS = ["timeout", "deadline"]


def is_replaced(op: dict[str, Any]) -> bool:
    """Whether a helper of the same name has taken the operation's place."""
    name = "xdrkit._flows." + op["group"].replace(".", "_")
    if importlib.util.find_spec(name) is None:
        return False
    helper = getattr(importlib.import_module(name), op["verb"], None)
    return inspect.isgeneratorfunction(helper)


PLAIN = {id: op for id, op in OPERATIONS.items() if not is_replaced(op)}
each = pytest.mark.parametrize("op", PLAIN.values(), ids=PLAIN)


def function(module: Any, op: dict[str, Any]) -> Any:
    prefix = "Async" if module is aio else ""
    name = "".join(part.capitalize() for part in op["group"].replace(".", "_").split("_"))
    owner = getattr(module, prefix + name, None) or getattr(module, f"{prefix}{name}Resource")
    return inspect.getattr_static(owner, op["verb"])


def is_paged(op: dict[str, Any]) -> bool:
    return bool(op["returns"]["kind"] == "many" and op["effect"] == "reads")


def extra_options(op: dict[str, Any]) -> list[str]:
    """What calls that change something can be told besides."""
    about_one = op["effect"] != "reads" and sum(p["in"] == "path" for p in op["params"]) == 1
    acts = op["effect"] == "acts"
    waits = ["wait", "cancel_on_timeout", "if_active"] if acts and op["returns"]["type"] == "MachineAction" else []
    return [*waits, *(["on_error"] if about_one else []), *(["dry_run"] if acts else [])]


@each
@pytest.mark.parametrize("module", [sync, aio], ids=["sync", "async"])
def test_every_operation_is_a_method_with_the_declared_arguments(module: ModuleType, op: dict[str, Any]) -> None:
    parameters = inspect.signature(function(module, op)).parameters
    paged = ["page_size"] if is_paged(op) and op["page_max"] else []
    path = [p["name"] for p in op["params"] if p["in"] == "path"]
    rest = [p["name"] for p in op["params"] if p["in"] != "path"]
    assert list(parameters) == ["self", *path, *rest, *paged, *extra_options(op), *OPTIONS]
    for param in op["params"]:
        made = parameters[param["name"]]
        by_position = made.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert by_position == (param["in"] == "path")
        assert (made.default is inspect.Parameter.empty) == param["required"]
        for member in param["enum"] or []:
            assert repr(member) in made.annotation
        if param["enum"]:
            assert ("| str" in made.annotation) == (param["type"] != "enum")


@each
def test_every_operation_is_a_coroutine_in_the_async_client_unless_it_is_a_list(op: dict[str, Any]) -> None:
    assert inspect.iscoroutinefunction(function(aio, op)) == (not is_paged(op))
    assert not inspect.iscoroutinefunction(function(sync, op))


@each
@pytest.mark.parametrize("module", [sync, aio], ids=["sync", "async"])
def test_every_docstring_says_what_it_does_takes_answers_raises_and_needs(
    module: ModuleType, op: dict[str, Any]
) -> None:
    doc = inspect.getdoc(function(module, op)) or ""
    words = " ".join(doc.split())
    assert doc.startswith(op["summary"])
    for title in ("Args:", "Returns:", "Raises:", "Permissions:", "Limits:", "Repetition:", "Documentation:"):
        assert f"\n{title}\n" in doc
    for part in [
        op["notes"],
        op["deprecated"] or "",
        op["doc"],
        *op["app_permissions"],
        *op["delegated_permissions"],
        *op["filterable"],
    ]:
        assert part in words
    for param in op["params"]:
        assert f"{param['name']}: {' '.join(param['doc'].split())}" in words
        assert all(f"`{member}`" in words for member in param["enum"] or [])


@each
def test_every_answer_has_a_type(op: dict[str, Any]) -> None:
    answer = function(aio, op).__annotations__["return"]
    plain = {"text": "str", "number": "int", "nothing": "None"}
    if op["returns"]["kind"] == "rows":
        assert answer == ("HuntResult" if op["method"] == "POST" else "Dict[str, Any]")
    elif op["returns"]["kind"] in plain:
        assert plain[op["returns"]["kind"]] in answer
    else:
        assert typing.is_typeddict(getattr(types, op["returns"]["type"])) if hasattr(typing, "is_typeddict") else True
        assert op["returns"]["type"] in answer


@each
def test_every_operation_is_reached_from_both_clients(sb: xdrkit.Sandbox, op: dict[str, Any]) -> None:
    for client in (sb.client(), sb.async_client()):
        found: Any = client
        for name in op["id"].split("."):
            found = getattr(found, name)
        assert callable(found)


def test_every_shape_has_the_declared_keys() -> None:
    shapes = {entity["name"]: entity for entity in _core.types()["entities"] if entity["properties"] or entity["base"]}
    assert set(shapes) <= set(types.__all__)
    for name, entity in shapes.items():
        keys = set(getattr(types, name).__annotations__)
        while entity:
            assert {p["name"] for p in entity["properties"]} <= keys
            entity = shapes.get(entity["base"])


def test_the_types_are_there_under_a_public_name() -> None:
    import xdrkit.types

    assert xdrkit.types.Machine is types.Machine
    assert set(xdrkit.types.__all__) == set(types.__all__)


def test_hand_written_methods_stand_beside_generated_ones() -> None:
    assert inspect.iscoroutinefunction(aio.AsyncMachineActions.wait)
    assert not inspect.iscoroutinefunction(sync.MachineActions.wait)
    assert list(inspect.signature(aio.AsyncMachineActions.wait).parameters) == list(
        inspect.signature(sync.MachineActions.wait).parameters
    )


def public(class_: type[Any]) -> dict[str, list[str]]:
    members = inspect.getmembers_static(class_) if hasattr(inspect, "getmembers_static") else inspect.getmembers(class_)
    return {
        name: [f"{p.name}={p.default!r}:{p.kind}" for p in inspect.signature(member).parameters.values()]
        for name, member in members
        if inspect.isfunction(member) and not name.startswith("_")
    }


@pytest.mark.parametrize("name", [n for n in sync.__all__ if n not in ("Graph", "Resources")])
def test_both_clients_have_the_same_resources(name: str) -> None:
    assert public(getattr(sync, name)) == public(getattr(aio, f"Async{name}"))


def test_both_clients_have_the_same_methods() -> None:
    blocking, awaited = public(xdrkit.Client), public(xdrkit.AsyncClient)
    assert blocking.pop("close") == awaited.pop("aclose")
    assert blocking == awaited


def test_both_client_suites_have_the_same_tests() -> None:
    def tests(file: str) -> list[str]:
        tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
        functions = (ast.FunctionDef, ast.AsyncFunctionDef)
        return [f.name for f in tree.body if isinstance(f, functions) and f.name.startswith("test_")]

    assert tests("test_client.py") == tests("test_async_client.py")


# The generator


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "tools" / "generate.py"
    spec = importlib.util.spec_from_file_location("xdrkit_tools_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.dev
def test_the_generated_files_are_current(generate: Any) -> None:
    assert generate.differences(generate.generated(_core)) == []


@pytest.mark.dev
def test_a_file_that_was_changed_by_hand_is_found(generate: Any) -> None:
    files = generate.generated(_core)
    path = next(path for path in files if path.name == "machines.py")
    drift = generate.differences({**files, path: files[path] + "# by hand\n"})
    assert [line for line in drift if line.startswith("+#")] == ["+# by hand"]


@pytest.mark.dev
def test_a_file_that_nothing_generates_is_found(generate: Any) -> None:
    files = generate.generated(_core)
    path = next(path for path in files if path.name == "machines.md")
    rest = {other: text for other, text in files.items() if other != path}
    assert any("machines.md" in line for line in generate.differences(rest))


@pytest.mark.dev
def test_every_generated_file_says_so_in_its_first_line(generate: Any) -> None:
    for path, text in generate.generated(_core).items():
        first = text.partition("\n")[0] if path.suffix != ".json" else text[:200]
        assert "Generated by tools/generate.py" in first, path
        assert "Never edit" in first
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.dev
def test_the_reference_has_every_operation_and_permission(generate: Any) -> None:
    pages = {path.name: text for path, text in generate.generated(_core).items() if path.suffix == ".md"}
    for op in OPERATIONS.values():
        page = pages[op["group"].replace(".", "-").replace("_", "-") + ".md"]
        assert f"## `{op['id']}`" in page
        assert f"`{op['method']} {op['path']}`" in page
        assert op["doc"] in page
        assert f"| `{op['id']}`{'' if op['documented'] else ' *'} |" in pages["permissions.md"]


@pytest.mark.dev
def test_an_argument_that_hides_an_option_stops_the_generator(generate: Any) -> None:
    op = {
        **OPERATIONS["machines.get"],
        "params": [{**OPERATIONS["machines.get"]["params"][0], "name": "timeout", "enum": []}],
    }
    with pytest.raises(SystemExit, match="timeout"):
        generate.resources_package([op], is_async=False)
