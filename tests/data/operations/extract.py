"""Writes documented.json and metadata.json: the facts about the services that the tests compare the declaration with.

    python tests/data/operations/extract.py DIRECTORY

DIRECTORY holds `operations.json` (the documented operations, read page by page) and `endpoint-model.json` (the Endpoint service's own
`$metadata`). They are no part of the repository; what the tests need of them is. Facts only: what a page says about method, path,
parameters, permissions and limits, its typing errors corrected where the page contradicts itself. README.md tells the members.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

SERVICES = {"mde": "endpoint", "xdr": "xdr", "graph": "graph"}
HERE = Path(__file__).parent


def parameter(text: str) -> dict[str, Any]:
    """Whether a page says "required", the largest number it names, and the members of an enumeration."""
    fact: dict[str, Any] = {"required": bool(re.search(r"\brequired\b|\bmandatory\b", text, re.IGNORECASE))}
    if most := re.search(r"\bmax (\d+)\b(?! MB)", text):
        fact["max"] = int(most.group(1))
    head = re.split(r"[ ,;(]", text, maxsplit=1)[0]
    if re.fullmatch(r"[A-Za-z0-9]+(\|[A-Za-z0-9]+)+", head) and head not in ("string|null", "true|false"):
        fact["members"] = [m for m in head.split("|") if m != "unknownFutureValue"]
    return fact


def rate(text: str | None) -> dict[str, int]:
    """`100/min,1500/h` as numbers."""
    words = text or ""
    found = {"per_minute": re.search(r"(\d+)/min", words), "per_hour": re.search(r"(\d+)/h\b", words)}
    return {name: int(match.group(1)) for name, match in found.items() if match}


def operation(raw: dict[str, Any]) -> dict[str, Any]:
    """One documented operation."""
    options = [o for o in raw.get("query_options", []) if o.startswith("$") and o != "$count-segment"]
    query = {name: parameter(text) for name, text in raw.get("query_params", {}).items() if not name.startswith("$")}
    fact = {
        "service": SERVICES[raw["service"]],
        "name": raw["name"],
        "method": raw["method"],
        "path": raw["path"],
        "app_permissions": raw.get("app_permissions", []),
        # A page whose table was not to be had says so in words.
        "delegated_permissions": [p for p in raw.get("delegated_permissions", []) if " " not in p],
        "options": options,
        "query": query,
        "body": {name.split("/")[0]: parameter(text) for name, text in raw.get("body", {}).items() if "/" not in name},
        "content_type": raw.get("content_type"),
        "filterable": raw.get("filterable", []),
        "top_max": raw.get("top_max"),
        "returns": raw.get("returns", "").split(",")[0].split(" (")[0],
        "rate": rate(raw.get("rate_limit")),
        "deprecated": "deprecated" in raw,
    }
    return {name: value for name, value in fact.items() if value not in ([], {}, None, "", False)}


def metadata(raw: dict[str, Any]) -> dict[str, Any]:
    """What the service says it can be asked."""
    bound = [
        {"name": item["name"], "bound_to": item["bound_to"], "parameters": sorted(item["parameters"])}
        for item in raw["actions"]
    ]
    functions = [
        {"name": item["name"], "bound_to": item["bound_to"], "parameters": sorted(item["parameters"])}
        for item in raw["functions"]
    ]
    return {"entity_sets": raw["entity_sets"], "actions": bound, "functions": functions}


def lines(items: list[Any]) -> str:
    """A list with a line for each item."""
    return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in items) + "\n]"


def main(directory: Path) -> None:
    """Writes both files."""
    documented = json.loads((directory / "operations.json").read_text(encoding="utf-8"))
    text = lines([operation(raw) for raw in documented])
    (HERE / "documented.json").write_text(text + "\n", encoding="utf-8")
    model = metadata(json.loads((directory / "endpoint-model.json").read_text(encoding="utf-8")))
    parts = [
        f'"entity_sets": {json.dumps(model["entity_sets"])}',
        f'"actions": {lines(model["actions"])}',
        f'"functions": {lines(model["functions"])}',
    ]
    (HERE / "metadata.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
