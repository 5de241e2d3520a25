"""TypedDicts and enumerations."""

from __future__ import annotations

import json
from typing import Any

from .words import WIDTH, banner, exploded

PRIMITIVES = {
    "String": "str",
    "Guid": "str",
    "DateTimeOffset": "str",
    "TimeOfDay": "str",
    "Boolean": "bool",
    "Byte": "int",
    "Int32": "int",
    "Int64": "int",
    "Double": "float",
    "Single": "float",
    "Stream": "Any",
    "Object": "Any",
}


def types_module(declared: dict[str, Any]) -> str:
    """TypedDicts and enumerations."""
    empty = {e["name"] for e in declared["entities"] if not e["properties"] and not e["base"]}

    def python(wire: str) -> str:
        if wire.startswith("Collection("):
            return f"List[{python(wire[len('Collection(') : -1])}]"
        return "Dict[str, Any]" if wire in empty else PRIMITIVES.get(wire, wire)

    out = [
        banner(),
        '"""The shapes of answers.',
        "",
        "Every key may be absent, and what the service adds later is passed on: these describe plain dicts and check nothing",
        "at run time. Times are ISO 8601 text in UTC. Enumerations are open: the service may send more than is listed.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Any, Dict, List, Literal, Optional, TypedDict, Union",
        "",
    ]
    names = sorted(
        [e["name"] for e in declared["enums"]] + [e["name"] for e in declared["entities"] if e["name"] not in empty]
    )
    out += ["__all__ = [", *(f'    "{name}",' for name in names), "]", ""]
    for enum in declared["enums"]:
        members = [json.dumps(m) for m in enum["members"]]
        line = f"{enum['name']} = Union[Literal[{', '.join(members)}], str]"
        if len(line) <= WIDTH:
            out.append(line)
        else:
            out += [f"{enum['name']} = Union[", *exploded("Literal[", members, "],", 4), "    str,", "]"]
    for entity in declared["entities"]:
        if entity["name"] in empty:
            continue
        key = entity["key"]
        out += ["", "", f"class {entity['name']}({entity['base'] or 'TypedDict'}, total=False):"]
        kind = f"A kind of `{entity['base']}`" if entity["base"] else f"{entity['name']}, as the service sends it"
        out += [f'    """{kind}."""', ""]
        for prop in entity["properties"]:
            type_ = python(prop["type"])
            if type_ != "Any" and prop["name"] != key and not type_.startswith("List["):
                type_ = f"Optional[{type_}]"
            out.append(f"    {prop['name']}: {type_}")
        if not entity["properties"]:
            out.pop()
    return "\n".join(out) + "\n"
