"""Small tables for a query, made so that its predicates hold for some rows and not for others.

The literals near a column are read from the query, and the column's cells are made of them: as they are, in other letters, longer,
shorter, absent. What is not known is drawn from short lists, so that keys meet. Seeded, so that the same query gets the same rows.
"""

from __future__ import annotations

import contextlib
import json
import re
import re._parser as sre  # type: ignore[import-not-found,unused-ignore]  # what a pattern is made of; Python 3.11 and later
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mutants import HERE, TOKEN

if TYPE_CHECKING:
    from random import Random

NOW = "2026-11-21T12:00:00Z"
SCHEMA: dict[str, dict[str, str]] = json.loads(
    (HERE.parents[1] / "src" / "ops" / "hunting-schema.json").read_text(encoding="utf-8")
)["tables"]
BASE = ("Timestamp", "DeviceId", "DeviceName", "ActionType")
UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
WORDS = ["alpha", "Beta", "gamma.exe", "a.b", "x y", "mimikatz", "ALPHA", "lsass"]
ADDRESSES = ["10.0.0.1", "10.1.2.3", "192.168.1.7", "203.0.113.7", "198.51.100.9", "8.8.8.8", "fe80::1", "nonsense", ""]
PATHS = [r"C:\Users\ann\AppData\Local\Temp\a.exe", r"C:\Windows\System32\cmd.exe", "/usr/bin/env", r"\\srv\share\b.dll"]
URLS = ["https://evil.example/a?x=1&y=2", "http://user:pw@Host.example:8080/p/q.html#f", "evil.example", "host", ""]
GUIDS = ["74be27de-1e4e-49d9-b579-fe0b331d3642", "00000000-0000-0000-0000-000000000001"]
HEX = ["da39a3ee5e6b4b0d3255bfef95601890afd80709", "356a192b7913b04c54574d18c28d46e6395428ab", "ab" * 20]

Table = dict[str, Any]


def text_of(token: str) -> str:
    """What a string literal holds."""
    body = token.lstrip("hH")
    if body.startswith("```"):
        return body[3:-3]
    if body.startswith("@"):
        return body[2:-1].replace(body[1] * 2, body[1])
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "0": "\0"}.get(m[1], m[1]), body[1:-1])


def sample(pattern: str, random: Random) -> str:
    """A text that a regular expression matches; an empty one where this does not know how."""
    with contextlib.suppress(Exception):
        return _sampled(sre.parse(pattern), random)
    return ""


def _sampled(parts: Any, random: Random) -> str:
    found = ""
    for kind, value in parts:
        name = str(kind)
        if name == "LITERAL":
            found += chr(value)
        elif name == "ANY":
            found += random.choice("aB7")
        elif name == "IN":
            found += random.choice([_one(item, random) for item in value if str(item[0]) != "NEGATE"])
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high, inner = value
            found += "".join(_sampled(inner, random) for _ in range(min(int(high), low + random.randrange(3))))
        elif name == "SUBPATTERN":
            found += _sampled(value[3], random)
        elif name == "BRANCH":
            found += _sampled(random.choice(value[1]), random)
    return found


def _one(item: Any, random: Random) -> str:
    kind, value = str(item[0]), item[1]
    if kind == "RANGE":
        return chr(random.randint(*value))
    if kind == "CATEGORY":
        return {"CATEGORY_DIGIT": "4", "CATEGORY_SPACE": " "}.get(str(value), "w")
    return chr(value)


class Query:
    """What a query says of the tables that it asks."""

    def __init__(self, text: str) -> None:
        tokens = [(m.lastgroup or "", m.group()) for m in TOKEN.finditer(text)]
        self.tokens = [token for token in tokens if token[0] != "skip"]
        words = {word for kind, word in self.tokens if kind == "word"}
        quoted = {text_of(word) for kind, word in self.tokens if kind == "string"}
        self.stars = set(re.findall(r"\b(\w+\*)", text))
        self.tables = sorted(words & SCHEMA.keys())
        self.columns = {
            table: [n for n in SCHEMA[table] if n in words or n in quoted or any(fnmatchcase(n, s) for s in self.stars)]
            for table in self.tables
        }
        for table, names in self.columns.items():
            if len(names) < 3:
                names += [n for n in BASE if n in SCHEMA[table] and n not in names]
        self.near: dict[str, list[tuple[str, str]]] = {}
        self.paths: list[list[str]] = []
        self._read()

    def _read(self) -> None:
        every = {name for names in self.columns.values() for name in names}
        alias: dict[str, str] = {}
        named: dict[str, list[tuple[str, str]]] = {}
        column, let, made, previous = "", "", "", ("", "")
        for at, (kind, word) in enumerate(self.tokens):
            after = self.tokens[at + 1][1] if at + 1 < len(self.tokens) else ""
            if kind == "word" and word == "let":
                let = after
            elif word == ";":
                let = ""
            elif word == "|":
                column = ""
            elif kind == "word" and previous[1] == ".":
                if self.paths:
                    self.paths[-1].append(word)
                column = "." + word
            elif kind == "word" and after == "=" and previous[1] in ("extend", "project", "by", ",", "summarize"):
                made = word
            elif kind == "word" and (word in every or word in alias):
                column = alias.get(word, word)
                if made:
                    alias[made], made = column, ""
            elif kind == "word" and word in named:
                self.near.setdefault(column, []).extend(named[word])
            if kind == "word" and after == ".":
                if previous[1] != ".":
                    self.paths.append([])
            elif kind == "string" and previous[1] == "[" and len(self.tokens) > at + 1 and after == "]":
                self.paths.append([text_of(word)])
                column = "." + text_of(word)
            elif kind in ("string", "number"):
                shape = "regex" if previous[1] in ("regex",) or self.tokens[max(0, at - 2)][1] == "extract" else kind
                if let:
                    named.setdefault(let, []).append((shape, word))
                self.near.setdefault(column, []).append((shape, word))
            previous = (kind, word)

    def spans(self) -> list[float]:
        """The pauses that the query names, in seconds."""
        found = [re.fullmatch(r"(\d+(?:\.\d+)?)(d|h|m|s|ms)", word) for kind, word in self.tokens if kind == "number"]
        return [float(m[1]) * UNITS[m[2]] for m in found if m] or [86400.0]


class Maker:
    """Makes the tables of one query."""

    def __init__(self, query: Query, random: Random) -> None:
        self.query, self.random = query, random
        self.now = datetime.fromisoformat(NOW.replace("Z", "+00:00"))

    def tables(self) -> dict[str, Table]:
        """Every table that the query names, with the columns that it names."""
        return {table: self._table(table, names) for table, names in self.query.columns.items()}

    def _table(self, table: str, names: list[str]) -> Table:
        rows = [
            [self._cell(name, SCHEMA[table][name]) for name in names] for _ in range(self.random.choice((12, 16, 24)))
        ]
        # What differs from another row in one cell alone, and what does not differ.
        for _ in range(6):
            row = list(self.random.choice(rows))
            if names and self.random.random() < 0.7:
                at = self.random.randrange(len(names))
                row[at] = self._cell(names[at], SCHEMA[table][names[at]])
            rows.append(row)
        return {"columns": [[name, SCHEMA[table][name]] for name in names], "rows": rows}

    def _cell(self, name: str, kind: str) -> Any:
        if kind == "string":
            return self._text(name)
        if self.random.random() < 0.08:
            return None
        if kind in ("int", "long"):
            return self.random.choice(
                [*self._numbers(name), self.random.randrange(20), self.random.randrange(-5, 3000)]
            )
        if kind == "real":
            return self.random.choice([self.random.randrange(100) / 8, 0.5, -1.25, 10.0])
        if kind == "bool":
            return self.random.random() < 0.6
        if kind == "datetime":
            return self._time()
        if kind == "guid":
            return self.random.choice(GUIDS)
        return self._dynamic(name)

    def _numbers(self, name: str) -> list[int]:
        near = [word for shape, word in self.query.near.get(name, []) if shape == "number" and word.isdigit()]
        return [int(word) + more for word in near if int(word) < 2**31 - 2 for more in (-1, 0, 1)]

    def _time(self) -> str:
        span = self.random.choice(self.query.spans())
        ago = span * self.random.choice((0.01, 0.3, 0.3, 0.5, 0.9, 1.0, 1.2, 1.9))
        if self.random.random() < 0.5:
            ago += self.random.randrange(600)
        moment = self.now - timedelta(milliseconds=int(ago * 1000))
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"

    def _text(self, name: str) -> str:
        random, near = self.random, self.query.near.get(name, [])
        if near and random.random() < 0.65:
            shape, word = random.choice(near)
            if shape == "regex":
                return random.choice(("", "x ", "cmd.exe")) + sample(text_of(word), random) + random.choice(("", " y"))
            text = text_of(word) if shape == "string" else word
            return self._alike(text)
        if random.random() < 0.12:
            return ""
        if "AdditionalFields" in name or (self.query.paths and name in ("RawEventData", "NodeProperties")):
            return json.dumps(self._object()) if random.random() < 0.9 else "no json"
        for part, some in (("IP", ADDRESSES), ("Url", URLS), ("Path", PATHS), ("SHA", HEX), ("Line", PATHS)):
            if part in name:
                return random.choice(some)
        if name.endswith("Id"):
            return f"id-{random.randrange(4)}"
        stem = re.sub(r"[a-z]+$", "", name) or name
        return random.choice([*WORDS, f"{stem.lower()}1", f"{stem.lower()}2"])

    def _alike(self, text: str) -> str:
        random = self.random
        choices = [
            text,
            text,
            text,
            text.upper(),
            text.lower(),
            f"x {text} y",
            f"{text}.exe",
            f"z{text}",
            f"{text}s",
            f"({text})",
        ]
        return random.choice([*choices, text[:-1], f"{text} {random.choice(WORDS)}"])

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in self.query.paths:
            at = found
            for part in path[:-1]:
                inner = at.get(part)
                if not isinstance(inner, dict):
                    inner = at[part] = {}
                at = inner
            if path and self.random.random() < 0.85:
                at[path[-1]] = self._leaf(path[-1])
        return found

    def _leaf(self, name: str) -> Any:
        near = self.query.near.get("." + name, [])
        if near and self.random.random() < 0.7:
            shape, word = self.random.choice(near)
            if shape == "number":
                return int(word) + self.random.randrange(-1, 2) if word.isdigit() else word
            return self._alike(text_of(word))
        return self.random.choice([1, 5, 2.5, "x", "Y z", True, False, [1, "a"], {"k": 1}, "2026-11-20T01:02:03Z", ""])

    def _dynamic(self, name: str) -> Any:
        if name.endswith("s") and name not in ("NodeProperties", "AdditionalFields"):
            near = [self._alike(text_of(word)) for shape, word in self.query.near.get(name, []) if shape == "string"]
            some = [*WORDS, *near, *([self._object()] * 3 if self.query.paths else [])]
            return [self.random.choice(some) for _ in range(self.random.randrange(4))]
        return self._object()
