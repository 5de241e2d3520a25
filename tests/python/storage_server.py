"""A service and its cloud storage in one small server: lists an export, serves the parts, and misbehaves on request.

The sandbox plays by the rules; what a storage does when links end, connections break and snapshots change is played here.
"""

from __future__ import annotations

import gzip
import http.server
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Callable

SIGNATURE = "s3cr3t-signature"


def rows_of(part: int, count: int) -> list[dict[str, Any]]:
    """Rows that tell where they come from."""
    return [
        {"deviceId": f"{part}-{i}", "softwareName": f"näme {i}", "numberOfWeaknesses": i, "diskPaths": [f"c:\\{i}"]}
        for i in range(count)
    ]


def packed(rows: list[dict[str, Any]], members: int = 1) -> bytes:
    """JSON lines as gzip, in several members."""
    size = -(-len(rows) // members) or 1
    chunks = [rows[i : i + size] for i in range(0, len(rows), size)] or [[]]
    return b"".join(gzip.compress("".join(json.dumps(r) + "\n" for r in chunk).encode()) for chunk in chunks)


@dataclass
class Storage:
    """What there is, what was asked, and what is to go wrong."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    generated: str = "2026-11-21T06:00:00Z"
    #: Requests as (method, path, headers); a storage request's path has its query.
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    #: Called with the handler before a file is sent; True means that it has answered by itself.
    trouble: Callable[[http.server.BaseHTTPRequestHandler, str], bool] | None = None
    #: Links that were given out under another generation are refused.
    generation: int = 1
    life: int = 3600
    lists: int = 0
    busiest: int = 0
    active: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    #: Where links lead, if it is not here.
    place: str | None = None

    def fetched(self, name: str) -> int:
        """How often a file was asked for."""
        return sum(path.split("?")[0].endswith(name) for _, path, _ in self.seen)

    def link(self, name: str) -> str:
        """A link with its signature."""
        end = time.strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ", time.gmtime(time.time() + self.life))
        return f"{self.place or self.url}/store/{name}?sv=1&se={end}&g={self.generation}&sig={SIGNATURE}"


def serve(storage: Storage) -> http.server.ThreadingHTTPServer:
    """Starts the server; its storage knows its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            storage.seen.append(("GET", self.path, dict(self.headers)))
            if self.path.startswith("/store/"):
                self.blob()
            elif "Export" in self.path:
                storage.lists += 1
                files = [storage.link(name) for name in storage.blobs]
                self.answer(200, json.dumps({"exportFiles": files, "generatedTime": storage.generated}).encode())
            else:
                self.answer(404, b"{}")

        def blob(self) -> None:
            with storage.lock:
                storage.active += 1
                storage.busiest = max(storage.busiest, storage.active)
            try:
                path, _, query = self.path.partition("?")
                name = path[len("/store/") :]
                if storage.trouble and storage.trouble(self, name):
                    return
                if "Authorization" in self.headers or "Cookie" in self.headers:
                    self.answer(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
                elif f"g={storage.generation}&" not in query:
                    self.answer(403, f"<Error><Code>AuthenticationFailed</Code>{query}</Error>".encode())
                elif name not in storage.blobs:
                    self.answer(404, b"<Error><Code>BlobNotFound</Code></Error>")
                else:
                    self.send_blob(storage.blobs[name])
            finally:
                with storage.lock:
                    storage.active -= 1

        def send_blob(self, body: bytes, *, ranges: bool = True) -> None:
            tag = f'"{hash(body):x}"'
            asked = self.headers.get("Range")
            if ranges and asked and self.headers.get("If-Range") in (None, tag):
                start = int(asked[len("bytes=") : -1])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                body = body[start:]
            else:
                self.send_response(200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    storage.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def cut(body: bytes, after: int, tag: bool = True) -> Callable[[Any], None]:
    """Sends so many bytes of a whole file and breaks the connection."""

    def send(handler: Any) -> None:
        handler.send_response(200)
        if tag:
            handler.send_header("ETag", f'"{hash(body):x}"')
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:after])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(2)

    return send
