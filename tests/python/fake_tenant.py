"""A small service whose lists a test fills and breaks by hand, and one way to run a test with either client."""

from __future__ import annotations

import asyncio
import http.server
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import xdrkit

# What a test may put in front of the service: (method, path, query, body) to (status, answer), or None to let it pass.
Hook = Callable[[str, str, "dict[str, str]", Any], Any]
TENANT = "11111111-2222-3333-4444-555555555555"
BEGAN = datetime.now(timezone.utc)
CONDITION = re.compile(r"(\w+) (eq|ge|gt|le|lt) ('(?:[^']|'')*'|\S+)")


def ago(seconds: float, digits: str = "") -> str:
    """A moment before the tenant was made, as the service writes it."""
    text = (BEGAN - timedelta(seconds=seconds)).isoformat(timespec="microseconds").replace("+00:00", "")
    return f"{text}{digits or '0'}Z"


def fits(item: dict[str, Any], filter: str) -> bool:
    """Whether an item meets a filter made of comparisons and `and`."""
    for name, word, literal in CONDITION.findall(filter.replace("(", "").replace(")", "")):
        have = str(item.get(name))
        # Moments have seven digits, so that their texts compare as they do; those of filters may have fewer.
        if not literal.startswith("'"):
            literal = re.sub(r"(?:\.(\d+))?Z$", lambda m: "." + (m[1] or "").ljust(7, "0") + "Z", literal)
        want = literal.strip("'").replace("''", "'")
        if not {"eq": have == want, "ge": have >= want, "gt": have > want, "le": have <= want, "lt": have < want}[word]:
            return False
    return True


class FakeTenant:
    """The service. `lists` has its items by path; `requests` is what was asked, as (method, path, query, body)."""

    def __init__(self) -> None:
        global BEGAN
        BEGAN = datetime.now(timezone.utc)
        self.lists: dict[str, list[dict[str, Any]]] = {
            "/api/alerts": [],
            "/api/incidents": [],
            "/api/indicators": [],
            "/v1.0/security/alerts_v2": [],
            "/v1.0/security/incidents": [],
        }
        self.keys = {"/api/incidents": "incidentId"}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.hook: Hook | None = None
        self.last_id = 100
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                parts = urlsplit(self.path)
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                query = dict(parse_qsl(parts.query))
                fake.requests.append((self.command, parts.path, query, body))
                result = fake.hook(self.command, parts.path, query, body) if fake.hook else None
                status, answer = result or fake.serve(self.command, parts.path, query, body)
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def serve(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """What the service does by itself."""
        if method == "POST" and path == "/api/indicators/import":
            return 200, {"value": [self.upsert(item) for item in body["Indicators"]]}
        if method == "POST" and path == "/api/indicators/BatchDelete":
            ids = body["IndicatorIds"]
            there = self.lists["/api/indicators"]
            if not set(ids) <= {item["id"] for item in there}:
                return failure(404, "ResourceNotFound", "an indicator was not found")
            self.lists["/api/indicators"] = [item for item in there if item["id"] not in ids]
            return 204, None
        if path in self.lists:
            found = [item for item in self.lists[path] if fits(item, query.get("$filter", ""))]
            skip = int(query.get("$skip", 0))
            end = skip + int(query.get("$top", 10_000))
            answer: dict[str, Any] = {"value": found[skip:end]}
            if path.startswith("/v1.0/") and end < len(found):
                answer["@odata.nextLink"] = f"{self.url}{path}?{urlencode({**query, '$skip': end}, safe='$')}"
            return 200, answer
        folder, _, id_ = path.rpartition("/")
        key = self.keys.get(folder, "id")
        for item in self.lists.get(folder, []):
            if str(item[key]) == id_:
                return 200, item
        return failure(404, "ResourceNotFound", f"{id_} was not found")

    def upsert(self, item: dict[str, Any]) -> dict[str, Any]:
        """Makes or updates an indicator, as the import does."""
        there = self.lists["/api/indicators"]
        for old in there:
            if (old["indicatorValue"], old["indicatorType"]) == (item["indicatorValue"], item["indicatorType"]):
                # What an update leaves out is gone: the harder of the two ways in which the service may mean it.
                kept = {name: old.get(name) for name in ("id", "application")}
                old.clear()
                old.update({**item, **kept})
                break
        else:
            self.last_id += 1
            old = {**item, "id": str(self.last_id)}
            there.append(old)
        return {"id": old["id"], "indicator": item["indicatorValue"], "isFailed": False, "failureReason": None}

    def sent(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests to a path."""
        return [body for m, p, _, body in self.requests if (m, p) == (method, path)]

    def __enter__(self) -> FakeTenant:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def failure(status: int, code: str, message: str) -> tuple[int, Any]:
    """An error as the service sends it."""
    return status, {"error": {"code": code, "message": message, "target": "t-1"}}


def token_of(tenant: str) -> str:
    """A token that says whose it is."""
    import base64

    claims = json.dumps({"tid": tenant, "exp": 4_000_000_000, "aud": "x", "roles": []}).encode()
    parts = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', claims, b"s")]
    return ".".join(parts)


class Side:
    """Calls a method by its dotted name, with the sync or the async client; a new client each time, as after a restart."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def options(self, tenant: Any, more: dict[str, Any]) -> dict[str, Any]:
        place = {
            "credential": xdrkit.StaticTokenCredential(token_of(TENANT)),
            "base_url": tenant.url,
        }
        return {**place, "_virtual_clock": True, **more}

    def client(self, tenant: Any, **more: Any) -> Any:
        """A client of a fake tenant or a sandbox."""
        if isinstance(tenant, xdrkit.Sandbox):
            made = tenant.async_client if self.is_async else tenant.client
            return made(**{"_virtual_clock": True, **more})
        return (xdrkit.AsyncClient if self.is_async else xdrkit.Client)(**self.options(tenant, more))

    def call(
        self, tenant: Any, method: str, *arguments: Any, client: dict[str, Any] | None = None, **named: Any
    ) -> Any:
        """What a method answers; pages are read to their end."""
        if not self.is_async:
            with self.client(tenant, **(client or {})) as made:
                answer = found(made, method)(*arguments, **named)
                return answer.collect() if isinstance(answer, xdrkit.Pages) else answer

        async def main() -> Any:
            async with self.client(tenant, **(client or {})) as made:
                answer = found(made, method)(*arguments, **named)
                return await (answer.collect() if isinstance(answer, xdrkit.AsyncPages) else answer)

        return asyncio.run(main())

    def loop(
        self,
        tenant: Any,
        method: str,
        body: Callable[[Any], Any] | None = None,
        *,
        client: dict[str, Any] | None = None,
        **named: Any,
    ) -> list[Any]:
        """The items of a stream; `body` is the loop's, and true from it leaves the loop."""
        items: list[Any] = []
        if not self.is_async:
            with self.client(tenant, **(client or {})) as made:
                for item in found(made, method)(**named):
                    items.append(item)
                    if body is not None and body(item):
                        break
            return items

        async def main() -> None:
            async with self.client(tenant, **(client or {})) as made:
                async for item in found(made, method)(**named):
                    items.append(item)
                    if body is not None and body(item):
                        break

        asyncio.run(main())
        return items


def found(client: Any, method: str) -> Any:
    for name in method.split("."):
        client = getattr(client, name)
    return client
