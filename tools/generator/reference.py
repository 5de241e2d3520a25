"""The reference: a page for each resource, the permission matrix, the index, and all of it for machines."""

from __future__ import annotations

import json
from typing import Any

from .flows import Helper, helpers
from .resources import UNDOCUMENTED, explained, is_many, limits, permissions, repeated
from .words import SERVICES, banner, grouped, title


def reference_pages(operations: list[dict[str, Any]], declared: dict[str, Any]) -> dict[str, str]:
    """The reference, by file name."""
    groups = grouped(operations)
    found = helpers(list(groups))
    pages = {
        file_name(group): reference_page(group, ops, found.get(group, {}), declared) for group, ops in groups.items()
    }
    pages["permissions.md"] = permissions_page(operations)
    pages["index.md"] = index_page(groups, found)
    pages["manifest.json"] = manifest(operations, found)
    return pages


def file_name(group: str) -> str:
    """The page of a resource."""
    return f"{group.replace('.', '-').replace('_', '-')}.md"


def call_text(op: dict[str, Any]) -> str:
    """How a call looks."""
    path = [p["name"] for p in op["params"] if p["in"] == "path"]
    rest = [f"{p['name']}=…" for p in op["params"] if p["in"] != "path" and p["required"]]
    optional = any(p["in"] != "path" and not p["required"] for p in op["params"])
    return f"client.{op['id']}({', '.join([*path, *rest, *(['…'] if optional else [])])})"


def cell(text: str) -> str:
    """Text for a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def operation_section(op: dict[str, Any], replaced: bool) -> list[str]:
    """The part of a page that is about one operation."""
    out = ["", f"## `{op['id']}`", "", op["summary"]]
    out += ["", op["notes"]] if op["notes"] else []
    out += ["", f"**Deprecated:** {op['deprecated']}."] if op["deprecated"] else []
    out += ["", f"**{UNDOCUMENTED}**"] if not op["documented"] else []
    out += ["", "The method of this name, further down, does more than this one request."] if replaced else []
    out += ["", "```python", call_text(op), "```", "", f"`{op['method']} {op['path']}` on {SERVICES[op['service']]}."]
    if op["params"]:
        out += ["", "| Argument | On the wire | Type | Required | Meaning |", "|---|---|---|---|---|"]
        for p in op["params"]:
            required = "yes" if p["required"] else ""
            kind = f"{p['type']} of `{p['entity']}`" if p["entity"] else p["type"]
            out.append(f"| `{p['name']}` | `{p['wire']}` ({p['in']}) | {kind} | {required} | {cell(explained(p))} |")
    out += [
        "",
        f"- Answers: {answer(op)}.",
        f"- {permissions(op)}",
        f"- Limits: {limits(op)}",
        f"- Repetition: {repeated(op)}",
    ]
    if op["filterable"]:
        out += [f"- Filterable: {', '.join(f'`{n}`' for n in op['filterable'])}."]
    return [*out, f"- [Documentation]({op['doc']})"]


def answer(op: dict[str, Any]) -> str:
    """What an operation answers, in words."""
    kind, type_ = op["returns"]["kind"], op["returns"]["type"]
    if kind == "many" and not is_many(op):
        return f"a list of `{type_}`"
    words = {
        "one": f"`{type_}`",
        "many": f"`{type_}` items, in pages",
        "rows": "a hunting result",
        "text": "text",
        "number": "a number",
    }
    ways = {
        "whole": ", all at once",
        "next link": ", by next link",
        "skip": ", by `$skip`",
        "time boundary": ", by next link and beyond the service's limit by time",
        "token": ", by the export's own token",
    }
    most = f", {op['page_max']:,} a page at most" if op["page_max"] else ""
    return words.get(kind, "nothing") + ways.get(op["paging"], "") + most


def reference_page(
    group: str, operations: list[dict[str, Any]], own: dict[str, Helper], declared: dict[str, Any]
) -> str:
    """The page of one resource."""
    out = [banner("<!-- {} -->"), "", f"# `client.{group}`: {title(group, operations)}", ""]
    out += ["The async client has the same methods as coroutines; a list is read with `async for`."]
    for op in operations:
        out += operation_section(op, op["verb"] in own)
    for helper in own.values():
        parameters = ", ".join(helper.parameters()[1:])
        result = f"Iterator[{helper.answer}]" if helper.is_stream else helper.answer
        out += ["", f"## `{group}.{helper.name}`", "", "Made of several requests.", "", "```python"]
        out += [f"client.{helper.id}({parameters}) -> {result}", "```", "", "```text", helper.doc, "```"]
    shapes = {e["name"]: e for e in declared["entities"]}
    for shape in dict.fromkeys(op["returns"]["type"] for op in operations if op["returns"]["type"]):
        out += ["", f"## Type `{shape}`", "", "| Key | Type |", "|---|---|"]
        entity: dict[str, Any] | None = shapes.get(shape)
        while entity:
            out += [f"| `{p['name']}` | {p['type']} |" for p in entity["properties"]]
            entity = shapes.get(entity["base"]) if entity["base"] else None
    return "\n".join(out) + "\n"


def permissions_page(operations: list[dict[str, Any]]) -> str:
    """Which permission each operation needs."""
    out = [banner("<!-- {} -->"), "", "# Permissions", ""]
    out += [
        "Which permission each operation needs, by the API that carries it in Entra's portal. Any one of those in a cell",
        "will do; the least comes first. Application permissions are for an app that signs in by itself, delegated ones",
        "for an app that acts for a user. `xdr permissions script.py` reads them off a script. An operation with a star is",
        "not documented by Microsoft: its permissions are those of its neighbours.",
    ]
    for service, name in SERVICES.items():
        app = next(op["app"] for op in operations if op["service"] == service)
        out += ["", f"## {name}: `{app}`", "", "| Operation | Application | Delegated |", "|---|---|---|"]
        for op in operations:
            if op["service"] == service:
                either = [", ".join(f"`{p}`" for p in op[key]) for key in ("app_permissions", "delegated_permissions")]
                out.append(f"| `{op['id']}`{'' if op['documented'] else ' *'} | {either[0]} | {either[1]} |")
    return "\n".join(out) + "\n"


def index_page(groups: dict[str, list[dict[str, Any]]], found: dict[str, dict[str, Helper]]) -> str:
    """The reference's table of contents."""
    every = [op for operations in groups.values() for op in operations]
    out = [banner("<!-- {} -->"), "", "# Reference", ""]
    counts = ", ".join(f"{sum(op['service'] == s for op in every)} of {name}" for s, name in SERVICES.items())
    unknown = sum(not op["documented"] for op in every)
    out += [
        f"{len(every)} operations: {counts}. {unknown} of them are not documented by Microsoft; they are marked with a star.",
        f"{sum(map(len, found.values()))} helpers, which need several requests, stand behind them in italics.",
        "",
        "| Resource | Methods |",
        "|---|---|",
    ]
    for group, operations in sorted(groups.items()):
        own = found.get(group, {})
        names = [f"`{op['verb']}`{'' if op['documented'] else ' *'}" for op in operations if op["verb"] not in own]
        names += [f"_`{name}`_" for name in own]
        out.append(f"| [`client.{group}`]({file_name(group)}): {title(group, operations)} | {', '.join(names)} |")
    out += ["", "[Permissions of all operations](permissions.md). [All of it for machines](manifest.json)."]
    return "\n".join(out) + "\n"


def manifest(operations: list[dict[str, Any]], found: dict[str, dict[str, Helper]]) -> str:
    """The declaration and the helpers as JSON."""
    own = [
        {"id": helper.id, "parameters": helper.parameters()[1:], "answers": helper.answer, "stream": helper.is_stream}
        for group in found.values()
        for helper in group.values()
    ]
    everything = {"about": banner("{}"), "operations": operations, "helpers": own}
    return json.dumps(everything, indent=1, ensure_ascii=False) + "\n"
