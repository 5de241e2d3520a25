"""The resource classes of both clients: every operation and every helper as a method."""

from __future__ import annotations

import json
import re
from typing import Any

from .flows import Helper, helpers
from .words import SERVICES, WIDTH, banner, camel, exploded, grouped, listed, title, wrapped

# Every method has these; an operation may not use their names.
OPTIONS = {
    "timeout": "Seconds for one try, a number or a timedelta. Default: the client's.",
    "deadline": "Seconds for the whole call with its repetitions and waits, a number or a timedelta. Default: the client's.",
}
PAGE_SIZE = "How many items to ask for at a time; it changes the number of requests, not the items. Default: {most:,}, the most allowed."
# What calls that change something can be told besides: name to type, default and meaning.
ON_ERROR = (
    'Literal["raise", "collect"]',
    '"raise"',
    "With several ids: `raise` tries them all and then raises what failed, `collect` leaves that to `Outcomes.failed`.",
)
DRY_RUN = ("bool", "False", "Send nothing: answer a `Plan` of what would be sent.")
ACTING = {
    "wait": (
        "bool | Seconds",
        "False",
        "Wait until the action has ended: True for 600 seconds at most, or how many seconds, or a timedelta.",
    ),
    "cancel_on_timeout": ("bool", "False", "Cancel the action when waiting for it took too long."),
    "if_active": (
        'Literal["raise", "attach"]',
        '"raise"',
        "When such an action runs already: raise `ConflictError`, or take that action for ours.",
    ),
}


def is_many(op: dict[str, Any]) -> bool:
    """Whether it answers pages. A list that comes of changing something is answered at once."""
    return bool(op["returns"]["kind"] == "many" and op["effect"] == "reads")


def target(op: dict[str, Any]) -> dict[str, Any] | None:
    """The one id that a changing operation is about, of which there may be several in one call."""
    path = [p for p in op["params"] if p["in"] == "path"]
    return path[0] if op["effect"] != "reads" and len(path) == 1 else None


def extra_options(op: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """The options of a changing operation beyond those of all."""
    if target(op) is None and op["effect"] != "acts":
        return {}
    acting = op["effect"] == "acts" and op["returns"]["type"] == "MachineAction"
    return {
        **(ACTING if acting else {}),
        **({"on_error": ON_ERROR} if target(op) else {}),
        **({"dry_run": DRY_RUN} if op["effect"] == "acts" else {}),
    }


def annotation(param: dict[str, Any]) -> str:
    """A parameter's type, as it stands in a signature."""
    members = ", ".join(json.dumps(m) for m in param["enum"])
    known = {
        "text": "str",
        "id": "str | int",
        "count": "int",
        "range": "int",
        "bool": "bool",
        "moment": "Moment",
        "texts": "Sequence[str]",
        "ints": "Sequence[int]",
        "names": f"Literal[{members}] | str | Sequence[str]",
        "hash": "str",
        "ip": "str",
        "enum": f"Literal[{members}]",
        "open enum": f"Literal[{members}] | str",
        "object": f"{param['entity']} | Mapping[str, Any]",
        "objects": f"Sequence[{param['entity']} | Mapping[str, Any]]",
        "json": "Mapping[str, Any]",
        "file": "bytes",
    }
    return "str | Filter" if param["wire"] == "$filter" else known[param["type"]]


def parameter(param: dict[str, Any], type_: str | None = None) -> list[str]:
    """One parameter of a signature, which may need several lines."""
    default = "" if param["required"] else " | None = None"
    text = f"{param['name']}: {type_ or annotation(param)}{default}"
    if len(text) + 9 <= WIDTH:
        return [text]
    members = [f"    {json.dumps(m)}," for m in param["enum"]]
    more = {"enum": [], "open enum": ["| str"]}.get(param["type"], ["| str", "| Sequence[str]"])
    return [f"{param['name']}: Literal[", *members, "]", *more, *([default.strip()] if default else [])]


def definition(
    op: dict[str, Any],
    is_async: bool,
    answer: str,
    id_type: str | None = None,
    planned: bool = False,
    stub: bool = False,
) -> list[str]:
    """The lines of a method's signature."""
    path = [p for p in op["params"] if p["in"] == "path"]
    rest = [p for p in op["params"] if p["in"] != "path"]
    extra = extra_options(op)
    clash = {p["name"] for p in op["params"]} & {*OPTIONS, *extra, "page_size", "self"}
    if clash:
        raise SystemExit(f"{op['id']}: {clash} are names of every method's own options")
    parts: list[list[str]] = [["self"], *(parameter(p, id_type) for p in path), ["*"], *map(parameter, rest)]
    if is_many(op) and op["page_max"]:
        parts.append(["page_size: int | None = None"])
    for name, (type_, default, _) in extra.items():
        is_plan = name == "dry_run" and planned
        known = "Literal[True]" if is_plan else "Literal[False]" if name == "dry_run" and stub else type_
        parts.append([f"{name}: {known}" if is_plan else f"{name}: {known} = {default}"])
    parts += [[f"{name}: Seconds | None = None"] for name in OPTIONS]
    coroutine = "async " if is_async and not is_many(op) else ""
    before = f"{coroutine}def {op['verb']}("
    after = f") -> {answer}:{' ...' if stub else ''}"
    one_line = f"    {before}{', '.join(part[0] for part in parts)}{after}"
    if len(one_line) <= WIDTH and all(len(part) == 1 for part in parts):
        return [one_line]
    # One a line also where a formatter would try two lines: the last comma makes it keep this.
    lines = [f"    {before}"]
    for part in parts:
        lines += [f"        {line}" for line in part[:-1]] + [f"        {part[-1]},"]
    return [*lines, f"    {after}"]


def returns(op: dict[str, Any], is_async: bool) -> str:
    """What a method returns for one id."""
    kind, type_ = op["returns"]["kind"], op["returns"]["type"]
    if kind == "many":
        return f"{'Async' if is_async else ''}Pages[{type_}]" if is_many(op) else f"List[{type_}]"
    return {
        "one": f"{type_}",
        "rows": "HuntResult" if op["method"] == "POST" else "Dict[str, Any]",
        "text": "str",
        "number": "int",
        "nothing": "None",
    }[str(kind)]


def signature(op: dict[str, Any], is_async: bool) -> list[str]:
    """The lines of a method's signature, with its overloads."""
    one, extra, id_ = returns(op, is_async), extra_options(op), target(op)
    if not extra:
        return definition(op, is_async, one)
    out: list[str] = []
    answers = [one]
    several = f"Outcomes[{one}]"
    if id_:
        answers.append(several)
        out += ["    @overload", *definition(op, is_async, one, stub=True)]
        out += ["    @overload", *definition(op, is_async, several, "Ids", stub=True)]
    if "dry_run" in extra:
        answers.append("Plan")
        either = "str | int | Ids" if id_ else None
        out += [] if id_ else ["    @overload", *definition(op, is_async, one, stub=True)]
        out += ["    @overload", *definition(op, is_async, "Plan", either, planned=True, stub=True)]
    return [
        *out,
        *definition(op, is_async, " | ".join(sorted(answers, key="None".__eq__)), "str | int | Ids" if id_ else None),
    ]


def explained(param: dict[str, Any]) -> str:
    """What a parameter means, with its members unless the text names them all."""
    if all(f"`{member}`" in param["doc"] for member in param["enum"]):
        return str(param["doc"])
    return f"{param['doc']} {'One of' if param['type'] == 'enum' else 'Known:'} {listed(param['enum'])}."


def limits(op: dict[str, Any]) -> str:
    """The documented rate limit in a sentence."""
    quota = op["quota"]
    rates = [(quota["per_minute"], "a minute"), (quota["per_hour"], "an hour")]
    known = [f"{number:,} calls {unit}" for number, unit in rates if number]
    if not known:
        return "Not documented."
    return f"{' and '.join(known)} for an app in a tenant, shared by all operations of the class `{quota['name']}`."


def repeated(op: dict[str, Any]) -> str:
    """When the client sends it again by itself."""
    if op["safety"] == "idempotent":
        return "Safe: after a failure that may pass, it is sent again."
    return "Only if it never left or was refused with 429, since a second one would act twice."


def errors_raised(op: dict[str, Any]) -> list[tuple[str, str]]:
    """The errors that a caller should think of, and what they mean here."""
    found = [("InvalidArgumentError", "an argument is wrong; nothing was sent.")]
    if op["returns"]["kind"] == "rows":
        found.append(("QueryError", "the service refuses the query."))
    elif op["safety"] != "idempotent":
        found.append(("ConflictError", "such an action is running already."))
    found.append(("PermissionDeniedError", "the token lacks the permission; `missing` names it."))
    if any(p["in"] == "path" for p in op["params"]):
        found.append(("NotFoundError", "there is nothing of that id."))
    if op["safety"] != "idempotent":
        found.append(("ActionOutcomeUnknownError", "no answer came; it may have begun all the same."))
    return found


def docstring(op: dict[str, Any], is_async: bool) -> list[str]:
    """The lines of a method's docstring, Google style."""
    out = [f'        """{op["summary"]}']

    def section(title: str, body: list[str]) -> None:
        out.extend(["", f"        {title}:", *body])

    if op["notes"]:
        out += ["", *wrapped(op["notes"], 8)]
    if op["deprecated"]:
        out += ["", *wrapped(f"Deprecated: {op['deprecated']}.", 8)]
    if not op["documented"]:
        out += ["", *wrapped(UNDOCUMENTED, 8)]
    arguments = [(p["name"], explained(p)) for p in op["params"]]
    id_ = target(op)
    if id_:
        arguments[[name for name, _ in arguments].index(id_["name"])] = (
            id_["name"],
            f"{id_['doc']} Or a list of them.",
        )
    if is_many(op) and op["page_max"]:
        arguments.append(("page_size", PAGE_SIZE.format(most=op["page_max"])))
    arguments += [(name, doc) for name, (_, _, doc) in extra_options(op).items()]
    arguments += OPTIONS.items()
    section("Args", [line for name, text in arguments for line in wrapped(f"{name}: {text}", 12, 4)])
    answer = answered(op, is_async)
    if id_:
        answer += " With several ids: `Outcomes`, one for each."
    section("Returns", wrapped(answer, 12))
    section("Raises", [line for name, text in errors_raised(op) for line in wrapped(f"{name}: {text}", 12, 4)])
    section("Permissions", wrapped(f"{permissions(op)} On {op['app']}.", 12))
    section("Limits", wrapped(limits(op), 12))
    section("Repetition", wrapped(repeated(op), 12))
    if op["filterable"]:
        section("Filterable", wrapped(", ".join(f"`{n}`" for n in op["filterable"]), 12))
    section("Documentation", [f"            {op['doc']}"])
    return [*out, '        """']


UNDOCUMENTED = (
    "Not documented: known from the service's own metadata. Permissions and limits are those of its neighbours, and the "
    "service may change it."
)


def answered(op: dict[str, Any], is_async: bool) -> str:
    """What a method answers, in a sentence."""
    kind, type_ = op["returns"]["kind"], op["returns"]["type"]
    if kind == "many" and not is_many(op):
        return f"The `{type_}` items, as a list."
    return {
        "one": f"The `{type_}`, as the service sent it.",
        "many": f"The `{type_}` items, asked for page by page while they are read{' with `async for`' if is_async else ''}.",
        "rows": "The rows, with what is known about them."
        if op["method"] == "POST"
        else "The answer, as the service sent it.",
        "text": "The text.",
        "number": "The number.",
        "nothing": "Nothing.",
    }[str(kind)]


def permissions(op: dict[str, Any]) -> str:
    """Which permissions will do, in a sentence."""
    app, delegated = op["app_permissions"], op["delegated_permissions"]
    if not app:
        return f"For users only: {listed(delegated)}."
    users = f"Delegated: {listed(delegated)}." if delegated else "No delegated permission is documented."
    either = " Any one will do." if len(app) > 1 or len(delegated) > 1 else ""
    return f"Application: {listed(app)}. {users}{either}"


def method(op: dict[str, Any], is_async: bool) -> list[str]:
    """The lines of a method."""
    names = [p["name"] for p in op["params"]]
    extra, id_ = extra_options(op), target(op)
    options = ["page_size"] if is_many(op) and op["page_max"] else []
    options += [*extra, *OPTIONS]
    given = [n for n in names if not (extra and id_ and n == id_["name"])]
    arguments = "{" + ", ".join(f'"{n}": {n}' for n in given) + "}"
    first = f'"{op["id"]}"'
    if extra:
        call, head = "_change", [first, id_["name"] if id_ else "None"]
    elif op["returns"]["kind"] == "rows" and op["method"] == "POST":
        call, head = "_hunt", [f'"{op["service"]}"']
    else:
        call, head = ("_pages" if is_many(op) else "_call"), [first]
    if op["returns"]["kind"] == "many" and not is_many(op) and not extra:
        call = "_list"
    awaited = "await " if is_async and not is_many(op) else ""
    # What answers nothing does answer a Plan when the client's policy says so.
    where = "" if op["returns"]["kind"] == "nothing" and op["effect"] == "reads" else "return "
    parts = [*head, arguments, *(f"{n}={n}" for n in options)]
    if len(f"        {arguments}") + 5 > WIDTH:
        parts[len(head)] = "\n".join(["{", *(f'                "{n}": {n},' for n in given), "            }"])
        lines = [f"        {where}{awaited}self.{call}(", *(f"            {p}," for p in parts), "        )"]
    else:
        lines = exploded(f"{where}{awaited}self.{call}(", parts, ")", 8)
    return [*signature(op, is_async), *docstring(op, is_async), *lines]


def broken(parameter: str) -> str:
    """A parameter of a helper; one that no line takes has each member of its Literal on a line of its own."""
    found = re.fullmatch(r"(.*: Literal\[)([^\]]*)(\].*)", parameter)
    if len(parameter) + 9 <= WIDTH or found is None:
        return parameter
    members = "".join(f"\n            {member}," for member in found[2].split(", "))
    return f"{found[1]}{members}\n        {found[3]}"


def helper_method(helper: Helper, is_async: bool) -> list[str]:
    """The lines of a helper's method."""
    answer = helper.answer
    if helper.is_stream:
        answer = f"{'AsyncIterator' if is_async else 'Iterator'}[{answer}]"
    coroutine = "async " if is_async and not helper.is_stream else ""
    parameters = [broken(text) for text in helper.parameters()]
    lines = exploded(f"{coroutine}def {helper.name}(", parameters, f") -> {answer}:", 4)
    first, *rest = helper.doc.splitlines()
    doc = [f'        """{first}', *(f"        {line}".rstrip() for line in rest), *(['        """'] if rest else [])]
    if not rest:
        doc[0] += '"""'
    how = "_stream" if helper.is_stream else "_run"
    awaited = "await " if is_async and not helper.is_stream else ""
    parts = [f'"{helper.module}"', f'"{helper.name}"', *helper.passed()]
    body = exploded(f"return {awaited}self.{how}(", parts, ")", 8)
    if answer == "None":
        body = exploded(f"{awaited}self.{how}(", parts, ")", 8)
    return [*lines, *doc, *body]


def resources_package(operations: list[dict[str, Any]], is_async: bool) -> dict[str, str]:
    """The resource classes of one client, file name to text: a module for each, so that who uses one loads one."""
    prefix = "Async" if is_async else ""
    groups = grouped(operations)
    found = helpers(list(groups))
    shapes = {op["returns"]["type"] for op in operations}
    classes = {group: prefix + camel(group) + "Resource" * (camel(group) in shapes) for group in sorted(groups)}
    files = {"__init__.py": attributes_module(groups, classes, is_async)}
    for group, name in classes.items():
        what = title(group, groups[group])
        body = ["", "", f"class {name}({prefix}Resource):", f'    """{what}."""', "", "    __slots__ = ()"]
        own = found.get(group, {})
        for op in groups[group]:
            if op["verb"] not in own:
                body += ["", *method(op, is_async)]
        for helper in own.values():
            body += ["", *helper_method(helper, is_async)]
        text = "\n".join(body)
        head = heading(text, operations, own, f"{what}, as the {client(is_async)} has them.", runtime(text, prefix))
        files[f"{module(group)}.py"] = "\n".join([*head, f'__all__ = ["{name}"]', text]) + "\n"
    return files


def module(group: str) -> str:
    """The name of a resource's module."""
    return group.replace(".", "_")


def client(is_async: bool) -> str:
    """How one of the clients is called in a sentence."""
    return "async client" if is_async else "sync client"


def runtime(text: str, prefix: str) -> list[str]:
    """What a resource's module needs at run time."""
    overloads = ["from xdrkit._light import overload"] if "@overload" in text else []
    return [*overloads, f"from xdrkit._resources import {prefix}Resource"]


def attributes_module(groups: dict[str, list[dict[str, Any]]], classes: dict[str, str], is_async: bool) -> str:
    """The attributes under which a client has its resources; a resource's module is loaded when it is first read."""
    prefix = "Async" if is_async else ""
    package = f"xdrkit._generated.{'aio' if is_async else 'sync'}"
    spaces = sorted({group.partition(".")[0] for group in groups if "." in group})
    body: list[str] = []
    for space in spaces:
        body += ["", "", f"class {prefix}{camel(space)}:", f'    """The resources of {SERVICES[space]}."""', ""]
        body += ["    def __init__(self, core: _core.Client, policy: Policy | None) -> None:"]
        body += ["        self._core = core", "        self._policy = policy"]
        for group, name in classes.items():
            if group.startswith(space + "."):
                where = f"{package}.{module(group)}"
                body += accessor(group.rpartition(".")[2], name, title(group, groups[group]), where)
    body += [
        "",
        "",
        f"class {prefix}Resources:",
        '    """The resources, as attributes of the client."""',
        "",
        "    _core: _core.Client",
        "    _policy: Policy | None",
    ]
    for attribute in sorted({group.partition(".")[0] for group in groups}):
        if attribute in groups:
            where = f"{package}.{module(attribute)}"
            body += accessor(attribute, classes[attribute], title(attribute, groups[attribute]), where)
        else:
            body += accessor(attribute, prefix + camel(attribute), f"The resources of {SERVICES[attribute]}")
    names = sorted({*classes.values(), *(prefix + camel(space) for space in spaces), f"{prefix}Resources"})
    imports = ["from typing import Any", "", "from xdrkit import _core"]
    imports += [
        f"from {package}.{module(group)} import {name}" for group, name in sorted(classes.items(), key=by_module)
    ]
    imports += ["from xdrkit._policy import Policy"]
    lines = [
        banner(),
        f'"""The resources of the {client(is_async)}, a module each."""',
        "",
        "from __future__ import annotations",
        "",
        "from xdrkit._light import cached_property",
        "",
        "TYPE_CHECKING = False",
        "",
        "if TYPE_CHECKING:",
        *(f"    {line}".rstrip() for line in imports),
        "",
        *exploded("__all__ = [", [f'"{n}"' for n in names], "]", 0),
        "",
        *exploded("_MODULES = {", [f'"{name}": "{module(group)}"' for group, name in classes.items()], "}", 0),
        *body,
        "",
        "",
        "def __getattr__(name: str) -> Any:",
        "    if name not in _MODULES:",
        '        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")',
        "    from importlib import import_module",
        "",
        '    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)',
    ]
    return "\n".join(lines) + "\n"


def by_module(item: tuple[str, str]) -> str:
    """Sorts a group and its class by the group's module."""
    return module(item[0])


def heading(
    text: str, operations: list[dict[str, Any]], own: dict[str, Helper], doc: str, needed: list[str]
) -> list[str]:
    """Everything before a resource's class."""
    code = re.sub(r'"""[\s\S]*?"""', "", text)

    def used(names: list[str]) -> list[str]:
        return [name for name in names if re.search(rf"(?<![\w.\"`]){name}(?!\w)", code)]

    shapes = {op["returns"]["type"] for op in operations if op["returns"]["type"]}
    shapes |= {p["entity"] for op in operations for p in op["params"] if p["entity"]}
    lines = {f"from xdrkit._generated.types import {name}" for name in used(sorted(shapes))} | {
        f"from {module} import {name}"
        for module, names in (
            ("collections.abc", ["AsyncIterator", "Iterator", "Mapping", "Sequence"]),
            ("typing", ["Any", "Dict", "List", "Literal"]),
            ("xdrkit", ["_core"]),
            ("xdrkit._filter", ["Filter"]),
            ("xdrkit._policy", ["Outcomes", "Plan", "Policy"]),
            ("xdrkit._resources", ["Ids", "Seconds"]),
            ("xdrkit._time", ["Moment"]),
            ("xdrkit.results", ["AsyncPages", "HuntResult", "Pages"]),
        )
        for name in used(names)
    }
    for helper in own.values():
        lines |= {helper.imports[name] for name in helper.names() if name in helper.imports}
    by_module: dict[str, set[str]] = {}
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        by_module.setdefault(module, set()).add(name)
    standard = sorted(m for m in by_module if not m.startswith("xdrkit") and m != "__future__")
    own_modules = sorted(m for m in by_module if m.startswith("xdrkit"))

    def imports(modules: list[str]) -> list[str]:
        out: list[str] = []
        for module in modules:
            names = sorted(by_module[module])
            line = f"    from {module} import {', '.join(names)}"
            out += (
                [line]
                if len(line) <= WIDTH
                else [f"    from {module} import (", *(f"        {n}," for n in names), "    )"]
            )
        return out

    return [
        banner(),
        f'"""{doc}"""',
        "",
        "from __future__ import annotations",
        "",
        *needed,
        "",
        "TYPE_CHECKING = False",
        "",
        "if TYPE_CHECKING:",
        *imports(standard),
        *([""] if standard and own_modules else []),
        *imports(own_modules),
        "",
    ]


def accessor(name: str, class_: str, doc: str, where: str | None = None) -> list[str]:
    """The attribute under which a resource is found."""
    return [
        "",
        "    @cached_property",
        f"    def {name}(self) -> {class_}:",
        f'        """{doc}."""',
        *([f"        from {where} import {class_}", ""] if where else []),
        f"        return {class_}(self._core, self._policy)",
    ]
