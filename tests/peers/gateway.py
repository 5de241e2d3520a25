"""A proxy that leads every service's name to one sandbox, so that programs which know no other address end up there."""

from __future__ import annotations

import asyncio
import threading
from typing import Optional
from urllib.parse import urlsplit

import xdrkit

# What the sandbox's certificate is good for.
SERVICES = (
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "graph.microsoft.com",
    "api.security.microsoft.com",
    "api.securitycenter.microsoft.com",
    "api.securitycenter.windows.com",
    "localhost",
)


class Gateway:
    """Serves CONNECT on loopback. `asked` are the hosts that were asked for, `refused` those that are none of the services'."""

    def __init__(self, sandbox: xdrkit.Sandbox) -> None:
        self.asked: list[str] = []
        self.refused: list[str] = []
        self._port = urlsplit(sandbox.url).port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop)
        self._server = started.result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: Optional[asyncio.StreamWriter] = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, where = head.split(None, 2)[:2]
            host = where.decode("latin-1").rpartition(":")[0] if method == b"CONNECT" else where.decode("latin-1")
            self.asked.append(host)
            if host not in SERVICES:
                self.refused.append(host)
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            back, there = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pipe(reader, there), _pipe(back, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, there):
                if end is not None:
                    end.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        data = await reader.read(65_536)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()
