"""A server that can hold requests, and children that are told what to do: the two sides of every lifecycle test."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import socketserver
import subprocess
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
# All that any of the calls under test reads: an empty list, an empty table, a finished action, a token.
ANSWER = {
    "value": [],
    "schema": [],
    "results": [],
    "id": "5382f7ea-7557-4ab7-9782-d50480024a4e",
    "status": "Succeeded",
    "token_type": "Bearer",
    "access_token": "a-token",
    "expires_in": 3599,
}


class Stall:
    """An HTTP server on loopback that can hold requests without an answer, and says when they come and when their connection ends."""

    def __init__(self) -> None:
        self.holding = True
        self._arrived: queue.Queue[str] = queue.Queue()
        self._closed: queue.Queue[str] = queue.Queue()
        self._released = threading.Event()
        stall = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                stall._serve(self)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a child that is gone is what these tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _serve(self, handler: socketserver.StreamRequestHandler) -> None:
        while first := handler.rfile.readline().decode("latin-1").strip():
            length = 0
            while line := handler.rfile.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            handler.rfile.read(length)
            held = self.holding
            self._arrived.put(first)
            if held and self._ended(handler.connection):
                self._closed.put(first)
                return
            body = json.dumps(ANSWER).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            handler.wfile.write(head.encode() + body)

    def _ended(self, connection: socket.socket) -> bool:
        """Hold until the peer ends the connection (True) or `release()` is called (False)."""
        connection.settimeout(0.01)
        while not self._released.is_set():
            try:
                if not connection.recv(1):
                    return True
            except socket.timeout:  # another class than TimeoutError until 3.10
                continue
            except OSError:
                return True
        connection.settimeout(None)
        return False

    def release(self) -> None:
        """Answer what is held, and what comes from now on."""
        self.holding = False
        self._released.set()

    def arrival(self, timeout: float = 20) -> str:
        """The next request's first line."""
        return self._next(self._arrived, timeout, "no request arrived")

    def end(self, timeout: float = 2) -> str:
        """The first line of the next held request whose connection the client ended."""
        return self._next(self._closed, timeout, "the connection of the held request is still open")

    @staticmethod
    def _next(things: queue.Queue[str], timeout: float, otherwise: str) -> str:
        try:
            return things.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"{otherwise} after {timeout} s") from None

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class Ended(NamedTuple):
    """How a child ended."""

    code: int
    stderr: str
    seconds: float


class Child:
    """A script in a process of its own, with a line protocol in both directions."""

    def __init__(self, python: str, script: str, folder: Path, env: dict[str, str], *, strict: bool = True) -> None:
        file = folder / f"child-{time.monotonic_ns()}.py"
        file.write_text("from child_side import *\n" + textwrap.dedent(script), encoding="utf-8")
        warnings = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"] if strict else []
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by close()
        places = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [python, "-X", "faulthandler", *warnings, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1", **env},
        )

    def hear(self, timeout: float = 30) -> dict[str, Any]:
        """The next thing the child says."""
        assert self.process.stdout is not None
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            code = self.process.wait(timeout)
            raise AssertionError(f"the child said nothing within {timeout} s and ended with {code}:\n{self.stderr()}")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def say(self, word: str = "go") -> None:
        """Let the child go on."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def interrupt(self) -> float:
        """Ctrl-C, and when it was."""
        sent = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        return sent

    def stderr(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read()

    def end(self, timeout: float = 30) -> Ended:
        """Wait for the end."""
        start = time.monotonic()
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler writes where it hangs
            self.process.wait(5)
            raise AssertionError(f"the child still ran after {timeout} s:\n{self.stderr()}") from None
        return Ended(code, self.stderr(), time.monotonic() - start)

    def ends_well(self, timeout: float = 30) -> None:
        """It ends with 0 and has not complained."""
        ended = self.end(timeout)
        assert (ended.code, ended.stderr) == (0, "")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


# What a forked child does must end: an alarm turns a hang into an exit code.
FORKED = """
        def forked(work):
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                try:
                    work()
                except BaseException:
                    import traceback
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            return os.waitpid(pid, 0)[1]
"""
