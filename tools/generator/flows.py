"""The helpers of python/xdrkit/_flows, read from their source: signature, docstring, what their annotations need."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "python" / "xdrkit" / "_flows"


@dataclass
class Helper:
    """One function that becomes a method."""

    group: str
    name: str
    module: str
    arguments: ast.arguments
    answer: str
    is_stream: bool
    doc: str
    imports: dict[str, str]

    @property
    def id(self) -> str:
        return f"{self.group}.{self.name}"

    def parameters(self) -> list[str]:
        """The parameters as they stand in a signature, without the first."""
        a = self.arguments
        plain = [*a.posonlyargs, *a.args]
        defaults: list[ast.expr | None] = [None] * (len(plain) - len(a.defaults)) + list(a.defaults)
        out = ["self", *(shown(arg, default) for arg, default in list(zip(plain, defaults))[1:])]
        if a.vararg:
            out.append(f"*{shown(a.vararg, None)}")
        elif a.kwonlyargs:
            out.append("*")
        out += [shown(arg, default) for arg, default in zip(a.kwonlyargs, a.kw_defaults)]
        return out

    def passed(self) -> list[str]:
        """The parameters as they are handed on."""
        a = self.arguments
        plain = [arg.arg for arg in [*a.posonlyargs, *a.args]][1:]
        star = [f"*{a.vararg.arg}"] if a.vararg else []
        return [*plain, *star, *(f"{arg.arg}={arg.arg}" for arg in a.kwonlyargs)]

    def names(self) -> set[str]:
        """The names that its annotations use."""
        a = self.arguments
        every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *([a.vararg] if a.vararg else [])]
        trees = [arg.annotation for arg in every[1:] if arg.annotation] + [ast.parse(self.answer, mode="eval").body]
        return {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}


def shown(argument: ast.arg, default: ast.expr | None) -> str:
    """One parameter."""
    annotation = ast.unparse(argument.annotation) if argument.annotation else "Any"
    text = f"{argument.arg}: {annotation}".replace("'", '"')
    return text if default is None else f"{text} = {ast.unparse(default)}".replace("'", '"')


def helpers(groups: list[str]) -> dict[str, dict[str, Helper]]:
    """Resource to name to helper, in the order in which they are written."""
    found: dict[str, dict[str, Helper]] = {}
    for group in groups:
        path = FOLDER / f"{group.replace('.', '_')}.py"
        if not path.exists():
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = {
            alias.asname or alias.name: f"from {node.module} import {alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in tree.body:
            helper = of(node, group, path.stem, imports)
            if helper is not None:
                found.setdefault(group, {})[helper.name] = helper
    return found


def of(node: ast.stmt, group: str, module: str, imports: dict[str, str]) -> Helper | None:
    """The helper that a statement defines, if it does."""
    if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not node.args.args:
        return None
    if node.args.args[0].arg != "client" or not isinstance(node.returns, ast.Subscript):
        return None
    kind = ast.unparse(node.returns.value)
    if kind not in ("Flow", "Stream"):
        return None
    doc = ast.get_docstring(node)
    if not doc:
        raise SystemExit(f"{module}.{node.name}: a helper has a docstring")
    answer = ast.unparse(node.returns.slice).replace("'", '"')
    return Helper(group, node.name, module, node.args, answer, kind == "Stream", doc, imports)
