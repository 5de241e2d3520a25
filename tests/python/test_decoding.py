"""Answers as they come over the wire: in pieces, packed, broken off, and as what is no answer at all.

What each value means is tested in Rust, against a decoder that is slow and obvious. Here a server that nobody's library
wrote sends bytes, and the clients read them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import xdrkit

SCHEMA = [{"name": "N", "type": "Int64"}, {"name": "T", "type": "DateTime"}, {"name": "S", "type": "String"}]


def row(n: int) -> dict[str, Any]:
    return {"N": n, "T": f"2026-11-01T00:00:00.{n:07}Z", "S": f"text number {n % 7} that repeats"}


def shown(n: int) -> dict[str, Any]:
    fraction = f".{n:07}".rstrip("0").rstrip(".")
    return {**row(n), "T": f"2026-11-01T00:00:00{fraction}Z"}


def body(*numbers: int) -> bytes:
    return json.dumps({"schema": SCHEMA, "results": [row(n) for n in numbers]}, separators=(",", ":")).encode()


Send = Callable[[Any], None]


class Wire:
    """A server of bytes: each request is answered by the next of `answers`, a function that is given the socket."""

    def __init__(self, *answers: Send) -> None:
        self.answers = list(answers)
        self.asked = 0
        wire = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while True:
                    length = 0
                    line = self.rfile.readline()
                    if not line:
                        return
                    while line not in (b"\r\n", b""):
                        name, _, value = line.decode().partition(":")
                        if name.lower() == "content-length":
                            length = int(value)
                        line = self.rfile.readline()
                    self.rfile.read(length)
                    answer = wire.answers[min(wire.asked, len(wire.answers) - 1)]
                    wire.asked += 1
                    with contextlib.suppress(OSError):
                        answer(self.request)
                    return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "connection: close", "request-id: r-7", *lines, "", ""]).encode()


def whole(data: bytes, *lines: str, status: str = "200 OK") -> Send:
    return lambda to: to.sendall(head(f"content-length: {len(data)}", *lines, status=status) + data)


def chunked(*pieces: bytes, end: bool = True, lines: tuple[str, ...] = ()) -> Send:
    def send(to: Any) -> None:
        to.sendall(head("transfer-encoding: chunked", *lines))
        for piece in pieces:
            to.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if end:
            to.sendall(b"0\r\n\r\n")

    return send


@pytest.fixture
def serve() -> Iterator[Callable[..., Wire]]:
    with contextlib.ExitStack() as stack:

        def start(*answers: Send) -> Wire:
            wire = Wire(*answers)
            stack.callback(wire.close)
            return wire

        yield start


class Hunter:
    """Hunts by either client, and collects what a stream gives."""

    def __init__(self, kind: str) -> None:
        self.is_async = kind == "async"

    def options(self, wire: Wire) -> dict[str, Any]:
        return {"credential": lambda scope: "token", "base_url": wire.url, "_virtual_clock": True}

    def hunt(self, wire: Wire, **options: Any) -> Any:
        options = {"api": "graph", **options}
        if not self.is_async:
            with xdrkit.Client(**self.options(wire)) as client:
                return client.hunt("T", **options)

        async def main() -> Any:
            async with xdrkit.AsyncClient(**self.options(wire)) as client:
                return await client.hunt("T", **options)

        return asyncio.run(main())

    def stream(self, wire: Wire, into: list[Any], each: Callable[[], None] = lambda: None, rows: int = 10_000) -> None:
        if not self.is_async:
            with xdrkit.Client(**self.options(wire)) as client:
                for batch in client.hunt_iter("T", api="graph", batch_rows=rows):
                    into.append(batch)
                    each()
            return

        async def main() -> None:
            async with xdrkit.AsyncClient(**self.options(wire)) as client:
                async for batch in client.hunt_iter("T", api="graph", batch_rows=rows):
                    into.append(batch)
                    each()

        asyncio.run(main())


@pytest.fixture(params=["sync", "async"])
def hunter(request: pytest.FixtureRequest) -> Hunter:
    return Hunter(request.param)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_of_any_size_are_one_answer(serve: Callable[..., Wire], hunter: Hunter, size: int) -> None:
    data = body(*range(300))
    wire = serve(chunked(*(data[i : i + size] for i in range(0, len(data), size))))
    result = hunter.hunt(wire)
    assert result.rows == [shown(n) for n in range(300)]
    assert result.stats == {
        "requests": 1, "retries": 0, "waited": 0.0, "bytes": len(data), "pieces": 1, "cached": 0, "service": None,
    }  # fmt: skip


def test_packed_answers_of_several_members_are_read_to_the_last(serve: Callable[..., Wire], hunter: Hunter) -> None:
    data = body(*range(2000))
    packed = b"".join(gzip.compress(data[i : i + 10_000]) for i in range(0, len(data), 10_000))
    wire = serve(chunked(packed[:100], packed[100:5000], packed[5000:], lines=("content-encoding: gzip",)))
    assert hunter.hunt(wire).rows == [shown(n) for n in range(2000)]


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
def test_a_packed_answer_that_is_cut_off_is_asked_for_again(
    serve: Callable[..., Wire], hunter: Hunter, kept: float
) -> None:
    packed = gzip.compress(body(*range(2000)))
    cut = whole(packed[: int(len(packed) * kept)], "content-encoding: gzip")
    wire = serve(cut, whole(packed, "content-encoding: gzip"))
    result = hunter.hunt(wire)
    assert (result.rows, result.stats["retries"]) == ([shown(n) for n in range(2000)], 1)


def test_rows_of_a_broken_answer_are_forgotten_when_it_is_sent_again(
    serve: Callable[..., Wire], hunter: Hunter
) -> None:
    data = body(*range(20_000))
    wire = serve(chunked(data[:-1000], end=False), chunked(data[: len(data) // 2], end=False), whole(data))
    result = hunter.hunt(wire)
    assert [r["N"] for r in result] == list(range(20_000))
    assert (result.stats["requests"], wire.asked) == (3, 3)


def test_a_bomb_is_not_unpacked(serve: Callable[..., Wire], hunter: Hunter) -> None:
    spaces = b" " * (1 << 20)
    bomb = gzip.compress(b'{"schema":[],"results":[' + spaces * 600 + b"]}", 9)
    wire = serve(whole(bomb, "content-encoding: gzip"))
    with pytest.raises(xdrkit.LimitExceededError, match="512 MiB"):
        hunter.hunt(wire)
    assert wire.asked == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "unexpected end at byte 0"),
        (b"<html>no</html>", 'the answer is no object at byte 0: "<html>no</html>"'),
        (b'{"value":[]}', "the answer has no results"),
        (body(1, 2, 3)[:-20], "unexpected end"),
        (body(1, 2, 3).replace(b'{"N":3', b'{"N":x'), "unexpected character at byte"),
        (body(1) + b"more", "unexpected text behind the value"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_where_and_keeps_what_came(
    serve: Callable[..., Wire], hunter: Hunter, answer: bytes, said: str
) -> None:
    wire = serve(whole(answer))
    with pytest.raises(xdrkit.BadResponseError) as caught:
        hunter.hunt(wire)
    error = caught.value
    assert said in error.message
    assert error.request_id == "r-7"
    # Nothing of it is lost: the rows that were read, and the bytes that were not, from the place on where they begin.
    assert error.body == answer[error.body_offset :]
    partial = error.partial
    assert [r["N"] for r in partial] == list(range(1, len(partial) + 1))
    if b'"N":x' in answer:
        assert (len(partial), error.body[:8]) == (2, b',{"N":x,')


def test_the_first_batch_is_there_before_the_last_byte_is_sent(serve: Callable[..., Wire], hunter: Hunter) -> None:
    data = body(*range(5000))
    go_on = threading.Event()

    def send(to: Any) -> None:
        to.sendall(head(f"content-length: {len(data)}") + data[: len(data) // 2])
        # Without a batch in somebody's hands the rest never comes.
        assert go_on.wait(30)
        to.sendall(data[len(data) // 2 :])

    batches: list[Any] = []
    hunter.stream(serve(send), batches, go_on.set, rows=1000)
    assert [r["N"] for batch in batches for r in batch] == list(range(5000))
    assert max(map(len, batches)) <= 1000
    assert {batch.api for batch in batches} == {"graph"}


def test_a_stream_that_breaks_before_the_first_batch_begins_anew(serve: Callable[..., Wire], hunter: Hunter) -> None:
    data = body(*range(1000))
    batches: list[Any] = []
    wire = serve(chunked(data[:500], end=False), whole(data))
    hunter.stream(wire, batches)
    assert [r["N"] for batch in batches for r in batch] == list(range(1000))
    assert wire.asked == 2


def test_a_stream_that_breaks_later_never_gives_a_row_twice(serve: Callable[..., Wire], hunter: Hunter) -> None:
    data = body(*range(20_000))
    batches: list[Any] = []
    wire = serve(chunked(data[: len(data) // 2], end=False), whole(data))
    with pytest.raises(xdrkit.PartialResultError, match="broke off after"):
        hunter.stream(wire, batches)
    numbers = [r["N"] for batch in batches for r in batch]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) < 20_000
    assert wire.asked == 1


def test_a_stream_that_nobody_reads_on_stops_the_answer(serve: Callable[..., Wire]) -> None:
    ended = threading.Event()
    data = body(*range(20_000))

    def send(to: Any) -> None:
        try:
            to.sendall(head("transfer-encoding: chunked"))
            while True:
                to.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        except OSError:
            ended.set()

    wire = serve(send)
    with xdrkit.Client(**Hunter("sync").options(wire)) as client:
        stream = client.hunt_iter("T", api="graph", batch_rows=500)
        assert len(next(stream)) <= 500
        stream.close()  # type: ignore[attr-defined]
        assert ended.wait(30)


def test_the_size_of_an_answer_says_that_it_may_be_cut(serve: Callable[..., Wire], hunter: Hunter) -> None:
    filler = "x" * 1_000_000
    rows = ",".join(f'{{"N":{n},"S":"{filler}"}}' for n in range(51))
    data = f'{{"schema":{json.dumps(SCHEMA)},"results":[{rows}]}}'.encode()
    with pytest.warns(xdrkit.TruncatedResultWarning, match="50 MB"):
        result = hunter.hunt(serve(whole(data)))
    assert (len(result), result.truncated.reason) == (51, "bytes")


def test_columns_and_files_hold_what_the_rows_hold(serve: Callable[..., Wire], hunter: Hunter, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    types = {"T": "DateTime", "B": "SByte", "I": "Int64", "F": "Double", "P": "TimeSpan", "D": "Object", "M": "Int64"}
    schema = [{"name": name, "type": type_} for name, type_ in types.items()]
    rows = [
        {"T": "2026-11-01T00:00:00.1234567Z", "B": 1, "I": 2**53 + 1, "F": 0.1, "P": "1.02:03:04", "D": '{"a":[1,null]}', "M": 1},
        {"T": None, "B": 0, "I": None, "F": "NaN", "P": None, "D": "no JSON", "M": "one"},
        {"T": "2026-11-01T00:00:00Z", "B": None, "I": -1, "F": None, "P": "-00:00:00.0000001", "D": None, "M": 2**64},
    ]  # fmt: skip
    result = hunter.hunt(serve(whole(json.dumps({"Schema": schema, "Results": rows}).encode())))
    first, second, third = result.rows
    assert first == {**rows[0], "B": True}
    assert (second["M"], third["M"], third["B"], third["P"]) == ("one", 2**64, None, "-00:00:00.0000001")
    assert result.dynamic("D") == [{"a": [1, None]}, "no JSON", None]
    frame = result.to_polars()
    time, span = pl.Datetime("ns", "UTC"), pl.Duration("ns")
    assert list(frame.schema.values()) == [time, pl.Boolean, pl.Int64, pl.Float64, span, pl.String, pl.String]
    assert frame["M"].to_list() == ["1", "one", str(2**64)]
    assert frame["I"].to_list() == [2**53 + 1, None, -1]
    for name, read in (("parquet", pl.read_parquet), ("csv", pl.read_csv), ("ndjson", pl.read_ndjson)):
        path = tmp_path / f"rows.{name}"
        getattr(result, f"write_{name}")(path)
        again = read(path)
        assert again.columns == frame.columns
        assert again["M"].to_list() == frame["M"].to_list()
    assert pl.read_parquet(tmp_path / "rows.parquet")["T"].to_list() == frame["T"].to_list()


def test_rows_share_their_texts_and_nothing_else(serve: Callable[..., Wire]) -> None:
    result = Hunter("sync").hunt(serve(whole(body(*range(1000)))))
    rows = result.rows
    assert len({id(r["S"]) for r in rows}) <= 14
    assert {id(k) for k in rows[0]} == {id(k) for k in rows[-1]}
    rows[0]["N"] = "changed"
    assert rows[1]["N"] == 1
    assert result[0]["N"] == 0
    assert [r["N"] for r in result[990:]] == list(range(990, 1000))
    assert result[-1] == shown(999)


def test_other_threads_go_on_while_rows_are_made(serve: Callable[..., Wire]) -> None:
    count = 99_000
    result = Hunter("sync").hunt(serve(whole(body(*range(count)))))
    seen, over, ready = 0, threading.Event(), threading.Event()

    def other() -> None:
        nonlocal seen
        ready.set()
        while not over.wait(0):
            # Whoever gets the interpreter gives it away at once, and has to get it again.
            time.sleep(0)
            seen += 1

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    before = seen
    made = result.rows
    during = seen - before
    over.set()
    thread.join()
    assert len(made) == count
    # Whoever keeps the interpreter all the time lets nobody in but at the two ends.
    assert during > 3


def test_sql_runs_on_a_result(serve: Callable[..., Wire]) -> None:
    duckdb = pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    result = Hunter("sync").hunt(serve(whole(body(*range(100)))))
    with duckdb.connect() as connection:
        relation = result.to_duckdb(connection)
        query = "select S, count(*), max(N) from r group by S order by S"
        found = relation.query("r", query).fetchall()
    assert [(text, n) for text, n, _ in found] == [
        (f"text number {i} that repeats", 15 if i < 2 else 14) for i in range(7)
    ]
