"""The least permissions for what somebody calls: by names, or by reading a script.

A script is read and never run: whoever grants permissions has good reason not to run it first. What is read is its
syntax tree; what cannot be told from that is said, not guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, NamedTuple

from . import _core
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    import ast
    import os

__all__ = ["Call", "Permissions", "permissions_for", "permissions_for_script"]

_HUNTS = {"graph": "graph.hunting.run", "xdr": "hunting.run_xdr", "endpoint": "hunting.run_endpoint"}


class Call(NamedTuple):
    """A call that stands in a script."""

    file: str
    line: int
    name: str
    """The operation or helper; for one that cannot be told, the text of the call."""


class Permissions(Dict[str, Dict[str, Any]]):
    """What to grant: a dict from service (``"endpoint"``, ``"xdr"``, ``"graph"``) to its permissions, which displays as a table.

    Each service has `app` (the name under "APIs my organization uses"), `application` and `delegated` (lists of
    permissions, of which only those are needed in whose way the script signs in), `operations` (from permission to what it
    is for) and `impossible` (from context to the operations that no permission of it allows, where there are some).
    """

    def __init__(self, names: list[str], calls: list[Call] | None = None, unsure: list[Call] | None = None) -> None:
        answer = _core.permissions_for(names)
        super().__init__()
        for grant in answer["grants"]:
            service = self.setdefault(
                grant["service"],
                {"app": grant["app"], "application": [], "delegated": [], "operations": {}, "impossible": {}},
            )
            service[grant["context"]] = list(grant["permissions"])
            service["operations"].update(grant["permissions"])
            if grant["impossible"]:
                service["impossible"][grant["context"]] = grant["impossible"]
        self._text: str = answer["text"].rstrip("\n")
        self.calls: list[Call] = calls or []
        """Where a script calls what; empty for names."""
        self.unsure: list[Call] = unsure or []
        """Calls in a script that may need more permissions: what they call cannot be read from the text."""

    def __repr__(self) -> str:
        lines = [self._text] if self._text else ["no permissions: nothing is called"]
        if self.calls:
            lines += ["Calls"]
            lines += [f"  {call.file}:{call.line}  {call.name}" for call in self.calls]
        if self.unsure:
            lines += ["Not counted, since the text does not tell what is called"]
            lines += [f"  {call.file}:{call.line}  {call.name}" for call in self.unsure]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def permissions_for(*names: str) -> Permissions:
    """The least permissions that together allow everything that is named.

        >>> xdrkit.permissions_for("machines.list", "machines.isolate")

    Args:
        names: Operations such as ``"machines.isolate"``, and helpers that make several requests, such as ``"indicators.sync"`` or
            ``"hunt"``. ``"exports.download"`` means every export; ``"exports.download:certificates"`` one.

    Returns:
        For each service, the application and the delegated permissions. An operation that one of the others' permissions
        allows anyway adds none.

    Raises:
        UnknownOperationError: there is no such operation and no such helper.
    """
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"names: takes operations as text, not {type(name).__name__}",
                argument="names",
                hint='such as permissions_for("machines.list", "machines.isolate")',
            )
    return Permissions(list(dict.fromkeys(names)))


def permissions_for_script(*paths: str | os.PathLike[str]) -> Permissions:
    """The least permissions for what Python scripts and notebooks call. They are read, not run.

    Found are calls through a client of any name (``client.machines.isolate(…)``), through names that resources or methods were
    given before (``machines = client.machines``), and `call` with an operation's id. Modules that a script imports are read
    when they are named too.

    Args:
        paths: Files: ``.py``, or ``.ipynb``.

    Returns:
        As `permissions_for`, with `calls` (where what is called) and `unsure` (calls that could not be told).

    Raises:
        OSError: a file cannot be read.
        InvalidArgumentError: a file is no Python.
    """
    calls: list[Call] = []
    unsure: list[Call] = []
    for path in paths:
        found = _read(path)
        calls += found.calls
        unsure += found.unsure
    return Permissions(list(dict.fromkeys(call.name for call in calls)), calls, unsure)


def _read(path: str | os.PathLike[str]) -> _Script:
    import ast
    from pathlib import Path

    name = str(path)
    source: Any = Path(name).read_bytes()
    try:
        if name.endswith(".ipynb"):
            source = _notebook(source)
        tree = ast.parse(source, filename=name)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        place = f"{name}:{line}" if line else name
        raise InvalidArgumentError(
            f"paths: {place} is no Python: {getattr(error, 'msg', error)}", argument="paths"
        ) from None
    return _Script(name, tree)


def _notebook(source: bytes) -> str:
    """The code of a notebook's cells, without what only IPython understands."""
    import json

    try:
        cells = json.loads(source)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (KeyError, TypeError):
        raise ValueError("it is no notebook") from None
    plain = []
    for text in texts:
        if not text.lstrip().startswith("%%"):
            lines = text.splitlines()
            plain += ["" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines]
    return "\n".join(plain)


class _Script:
    """What a syntax tree calls."""

    def __init__(self, file: str, tree: ast.AST) -> None:
        import ast

        self.ast = ast
        self.file = file
        self.known = set(_core.permission_names())
        self.groups = {name.rpartition(".")[0] for name in self.known if "." in name} | {"graph"}
        self.acts = {op["id"] for op in _core.operations() if op["effect"] == "acts"}
        self.calls: list[Call] = []
        self.unsure: list[Call] = []
        # What a name was given, wherever that was: a chain of attributes without its beginning, such as ("machines",).
        self.given: dict[str, set[tuple[str, ...]]] = {}
        self.modules: set[str] = set()
        nodes = list(ast.walk(tree))
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.modules |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        while self._learn(nodes):
            pass
        for node in sorted(
            (n for n in nodes if isinstance(n, ast.Call)), key=lambda n: (n.lineno, n.end_lineno, n.end_col_offset)
        ):
            self._call(node)

    def _learn(self, nodes: list[ast.AST]) -> bool:
        """Takes in what names are given; whether that was anything new."""
        kinds = self.ast
        before = sum(map(len, self.given.values()))
        for node in nodes:
            pairs: list[tuple[ast.expr, ast.expr | None]] = []
            if isinstance(node, kinds.Assign):
                pairs = [(target, node.value) for target in node.targets]
            elif isinstance(node, (kinds.AnnAssign, kinds.NamedExpr)):
                pairs = [(node.target, node.value)]
            for target, value in list(pairs):
                if (
                    isinstance(target, kinds.Tuple)
                    and isinstance(value, kinds.Tuple)
                    and len(target.elts) == len(value.elts)
                ):
                    pairs += zip(target.elts, value.elts)
            for target, value in pairs:
                name = self._target(target)
                if name is None or value is None:
                    continue
                for chain in self._chains(value):
                    if self._matters(chain):
                        self.given.setdefault(name, set()).add(chain)
        return sum(map(len, self.given.values())) > before

    def _target(self, node: ast.expr) -> str | None:
        if isinstance(node, self.ast.Name):
            return node.id
        # self.machines = client.machines
        if isinstance(node, self.ast.Attribute) and isinstance(node.value, self.ast.Name):
            return f"{node.value.id}.{node.attr}"
        return None

    def _matters(self, chain: tuple[str, ...]) -> bool:
        """Whether a chain ends with a resource, or a method of one."""
        ends = [".".join(chain[-n:]) for n in (1, 2, 3) if n <= len(chain)]
        return any(end in self.groups or end in self.known for end in ends)

    def _chains(self, node: ast.expr) -> list[tuple[str, ...]]:
        """The attributes behind an expression, without the name that it begins with; one for each thing that this may be."""
        attributes: list[str] = []
        while isinstance(node, self.ast.Attribute):
            name = self._target(node)
            if name in self.given:
                return [(*chain, *reversed(attributes)) for chain in self.given[name]]
            attributes.append(node.attr)
            node = node.value
        rest = tuple(reversed(attributes))
        if isinstance(node, self.ast.Name) and node.id in self.given:
            return [(*chain, *rest) for chain in self.given[node.id]]
        return [rest]

    def _call(self, node: ast.Call) -> None:
        for chain in self._chains(node.func):
            name = next((n for n in (".".join(chain[-k:]) for k in (3, 2, 1)) if n in self.known), None)
            if name is not None:
                self._found(node, self._narrowed(node, name))
                self._more(node, name)
            elif chain[-1:] == ("call",):
                self._by_id(node, node.args[:1])
            elif chain[-1:] == ("require",):
                self._by_id(node, node.args)
            elif self._is_raw(node, chain) or self._is_likely(node.func):
                self._unsure(node)

    def _is_raw(self, node: ast.Call, chain: tuple[str, ...]) -> bool:
        """`client.request(method, path)`, which may be anything."""
        return chain[-1:] == ("request",) and len(node.args) >= 2 and not self._is_module(node.func)

    def _found(self, node: ast.Call, name: str) -> None:
        self.calls.append(Call(self.file, node.lineno, name))

    def _unsure(self, node: ast.Call) -> None:
        text = self.ast.unparse(node)
        self.unsure.append(Call(self.file, node.lineno, text if len(text) <= 80 else text[:79] + "…"))

    def _narrowed(self, node: ast.Call, name: str) -> str:
        """The operation that a helper's own argument chooses."""
        if name == "hunt":
            return _HUNTS.get(str(self._argument(node, "api", None)), name)
        if name in ("exports.download", "exports.rows"):
            one = f"{name}:{self._argument(node, 'name', 0)}"
            try:
                _core.permissions_for([one])
            except InvalidArgumentError:
                return name
            return one
        return name

    def _more(self, node: ast.Call, name: str) -> None:
        """What an action's options call besides."""
        if name not in self.acts:
            return
        options = {k.arg: getattr(k.value, "value", True) for k in node.keywords}
        if options.get("wait"):
            self._found(node, "machine_actions.wait")
        if options.get("cancel_on_timeout"):
            self._found(node, "machine_actions.cancel")
        if options.get("if_active") not in (None, "raise"):
            self._found(node, "machine_actions.list")

    def _by_id(self, node: ast.Call, arguments: list[ast.expr]) -> None:
        for argument in arguments:
            value = argument.value if isinstance(argument, self.ast.Constant) else None
            if isinstance(value, str):
                if value in self.known:
                    self._found(node, value)
            elif not self._is_module(node.func):
                self._unsure(node)

    def _argument(self, node: ast.Call, name: str, position: int | None) -> object:
        found = next((k.value for k in node.keywords if k.arg == name), None)
        if found is None and position is not None and len(node.args) > position:
            found = node.args[position]
        return found.value if isinstance(found, self.ast.Constant) else None

    def _is_module(self, node: ast.expr) -> bool:
        """Whether an expression begins with something imported: `subprocess.call` is nobody's client."""
        while isinstance(node, self.ast.Attribute):
            node = node.value
        return isinstance(node, self.ast.Name) and node.id in self.modules

    def _is_likely(self, node: ast.expr) -> bool:
        """`machines.isolate(…)` where nobody knows what `machines` is: perhaps a parameter."""
        parts: list[str] = []
        while isinstance(node, self.ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not parts or not isinstance(node, self.ast.Name) or node.id in self.modules:
            return False
        return ".".join((node.id, *reversed(parts))) in self.known
