"""The service: prepared bytes on the loopback, sent as fast as the other side takes them, in a process of its own.

One thread and no copies, so that on two cores it takes as little as possible from who is measured. Every POST is a hunt and gets the
port's answer, or a few rows if the query is the one for warming up; every GET gets a machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from . import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

QUERY = "DeviceProcessEvents | where ActionType == 'ProcessCreated'"
# Answered with a few rows: what goes before the call that counts.
WARM = "DeviceProcessEvents | where ActionType == 'warm'"
# What each port answers: shape, columns, megabits a second (0: as fast as it goes).
PORTS = {
    "graph": (answer.GRAPH, answer.NARROW, 0),
    "endpoint": (answer.LEGACY, answer.NARROW, 0),
    "large": (answer.LEGACY, answer.WIDE, 0),
    "paced": (answer.GRAPH, answer.NARROW, 800),
    "many": (answer.GRAPH, answer.NARROW, 0),
}
TICK = 0.001


class Port:
    """Where to listen, and what to say there."""

    def __init__(self, name: str, rows: int) -> None:
        shape, columns, megabits = PORTS[name]
        self.hunt, self.warm = (_response(answer.answer(shape, columns, count)) for count in (rows, 20))
        self.machine = _response(answer.machine())
        # Bytes that may leave in each tick.
        self.pace = int(megabits * 1e6 / 8 * TICK)
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.socket.setblocking(False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"


class Connection:
    """A caller: what came of its request so far, and what is still to be sent."""

    def __init__(self, port: Port, peer: socket.socket) -> None:
        peer.setblocking(False)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port, self.socket = port, peer
        self.came = b""
        self.left = memoryview(b"")
        self.after = 0.0

    def read(self) -> bool:
        """Take what has come; whether the caller is still there."""
        try:
            data = self.socket.recv(65_536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.came += data
        return bool(data) and self.reply()

    def reply(self) -> bool:
        """Begin the answer if the request is whole."""
        head, found, body = self.came.partition(b"\r\n\r\n")
        if not found:
            return True
        lines = head.lower().split(b"\r\n")
        if b"transfer-encoding: chunked" in lines:
            if not body.endswith(b"0\r\n\r\n"):
                return True
        elif len(body) < next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0):
            return True
        self.came = b""
        if not head.startswith(b"POST"):
            self.left = self.port.machine
        else:
            self.left = self.port.warm if b"'warm'" in body else self.port.hunt
        return self.write()

    def write(self) -> bool:
        """Send what the other side takes."""
        pace = self.port.pace
        try:
            while self.left:
                if pace:
                    now = time.perf_counter()
                    if now < self.after:
                        return True
                    # What the clock was late by is made up for, but never more than a few ticks.
                    self.after = max(self.after, now - 5 * TICK) + TICK
                self.left = self.left[self.socket.send(self.left[:pace] if pace else self.left) :]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def serve(ports: dict[str, Port]) -> None:
    """For as long as the process lives."""
    chosen = selectors.DefaultSelector()
    for port in ports.values():
        chosen.register(port.socket, selectors.EVENT_READ, port)
    paced: set[Connection] = set()
    while True:
        for key, ready in chosen.select(TICK / 2 if paced else None):
            if isinstance(key.data, Port):
                with contextlib.suppress(OSError):
                    caller = Connection(key.data, key.data.socket.accept()[0])
                    chosen.register(caller.socket, selectors.EVENT_READ, caller)
                continue
            caller = key.data
            there = caller.read() if ready & selectors.EVENT_READ else caller.write()
            if not there:
                paced.discard(caller)
                chosen.unregister(caller.socket)
                caller.socket.close()
            elif caller.port.pace:
                paced.add(caller)
            else:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if caller.left else 0)
                if wanted != key.events:
                    chosen.modify(caller.socket, wanted, caller)
        for caller in list(paced):
            if not caller.write() or not caller.left:
                paced.discard(caller)


@contextlib.contextmanager
def running(names: list[str], rows: int, many: int) -> Iterator[dict[str, str]]:
    """The service in another process: its URLs by the names of `PORTS`. `many` is the rows of an answer of that port."""
    command = [sys.executable, "-m", __spec__.name, str(rows), str(many), *names]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _response(body: bytes) -> memoryview:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return memoryview(head.encode() + body)


def main() -> None:
    rows, many, *names = sys.argv[1:]
    ports = {name: Port(name, int(many if name == "many" else rows)) for name in names}
    # Standard input ends when the parent has gone or wants no more.
    threading.Thread(target=lambda: os._exit(len(sys.stdin.read()) and 1), daemon=True).start()
    print(json.dumps({name: port.url for name, port in ports.items()}), flush=True)
    serve(ports)


if __name__ == "__main__":
    main()
