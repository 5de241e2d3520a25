"""Files from links: no token goes there, a broken connection is taken up, a file is there whole or not at all, and no link is told."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import _core, errors

from .storage_server import SIGNATURE, Storage, cut, serve

BODY = random.Random(7).randbytes(300_000)
Download = Callable[..., "dict[str, Any]"]


@pytest.fixture
def storage() -> Iterator[Storage]:
    made = Storage(blobs={"package.zip": BODY})
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


def credential() -> xdrkit.StaticTokenCredential:
    return xdrkit.StaticTokenCredential("top-secret-token")


@pytest.fixture(params=["sync", "async"])
def download(request: pytest.FixtureRequest) -> Download:
    """`download(url, path)` by either client; waits pass at once."""
    if request.param == "sync":
        client = xdrkit.Client(credential=credential(), _virtual_clock=True)
        return lambda url, path, **options: client._core.download(url, path, options)

    def run(url: str, path: Any, **options: Any) -> dict[str, Any]:
        async def main() -> dict[str, Any]:
            async with xdrkit.AsyncClient(credential=credential(), _virtual_clock=True) as client:
                return await client._core.download_async(url, path, options)

        return asyncio.run(main())

    return run


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_without_a_token(storage: Storage, download: Download, tmp_path: Path) -> None:
    target = tmp_path / "package.zip"
    target.write_bytes(b"older")
    facts = download(storage.link("package.zip"), target)
    assert target.read_bytes() == BODY
    assert facts == {"path": target, "bytes": len(BODY), "sha256": hashlib.sha256(BODY).hexdigest()}
    assert files(tmp_path) == ["package.zip"]
    (_, _, headers) = storage.seen[0]
    assert not {name.lower() for name in headers} & {"authorization", "cookie", "referer"}
    assert "xdrkit" in headers["user-agent"]


def test_a_broken_connection_is_taken_up_where_it_broke(storage: Storage, download: Download, tmp_path: Path) -> None:
    breaks = [100_000]

    def trouble(handler: Any, name: str) -> bool:
        if not breaks:
            return False
        cut(BODY, breaks.pop())(handler)
        return True

    storage.trouble = trouble
    download(storage.link("package.zip"), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == BODY
    first, second = (headers for _, _, headers in storage.seen)
    assert "range" not in first
    assert 0 < int(second["range"][len("bytes=") : -1]) <= 100_000
    assert second["if-range"].startswith('"')


@pytest.mark.parametrize("proof", ["no tag", "another file", "no ranges"])
def test_without_proof_of_the_same_file_it_begins_anew(
    storage: Storage, download: Download, tmp_path: Path, proof: str
) -> None:
    older = bytes(len(BODY))
    breaks = [True]

    def trouble(handler: Any, name: str) -> bool:
        if breaks.pop() if breaks else False:
            cut(older, 100_000, tag=proof != "no tag")(handler)
            return True
        if proof == "no ranges":
            handler.send_blob(BODY, ranges=False)
        return proof == "no ranges"

    storage.trouble = trouble
    assert download(storage.link("package.zip"), tmp_path / "p")["sha256"] == hashlib.sha256(BODY).hexdigest()
    assert ("range" in storage.seen[1][2]) == (proof != "no tag")


def test_a_body_that_is_always_short_is_an_error(storage: Storage, download: Download, tmp_path: Path) -> None:
    def trouble(handler: Any, name: str) -> bool:
        cut(BODY, 0 if handler.headers.get("range") else 1000)(handler)
        return True

    storage.trouble = trouble
    with pytest.raises(errors.ConnectionLostError):
        download(storage.link("package.zip"), tmp_path / "p", max_retries=2)
    assert files(tmp_path) == []
    assert len(storage.seen) == 4, "three tries after the one that gained something"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.UnsafeUrlError),
        (403, errors.PermissionDeniedError),
        (404, errors.NotFoundError),
        (410, errors.NotFoundError),
        (500, errors.ServiceError),
        (400, errors.BadRequestError),
    ],
)
def test_what_the_storage_says_is_told_and_the_link_is_not(
    storage: Storage, download: Download, tmp_path: Path, status: int, kind: type[Exception], caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG, logger="xdrkit")
    _core.set_log_level(10)

    def trouble(handler: Any, name: str) -> bool:
        body = f"<Error><Code>SomeCode</Code><Message>{handler.path}</Message></Error>".encode()
        handler.answer(status, body, Location=storage.link("package.zip"))
        return True

    storage.trouble = trouble
    with pytest.raises(kind) as raised:
        download(storage.link("package.zip"), tmp_path / "p")
    error: Any = raised.value
    assert (error.status, error.code, error.url) == (status, "SomeCode", f"{storage.url}/store/package.zip")
    assert ("ask the service for a new one" in str(error)) == (status in (403, 404, 410))
    end = time.monotonic() + 2
    while f"-> {status}" not in caplog.text and time.monotonic() < end:
        time.sleep(0.005)
    _core.set_log_level(255)
    assert f"-> {status}" in caplog.text, "nothing was logged, so nothing was proved"
    assert SIGNATURE not in caplog.text + repr(error) + str(error) + repr(error.__dict__)
    assert files(tmp_path) == []
    assert len(storage.seen) == (4 if status == 500 else 1)


@pytest.mark.parametrize(
    "link",
    ["http://files.example/a?sig=X1", "file:///etc/passwd?sig=X1", "https://u:X1@files.example/a", "a?sig=X1", ""],
)
def test_a_link_that_no_service_gives_is_refused(download: Download, tmp_path: Path, link: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match=r"^url: ") as raised:
        download(link, tmp_path / "p")
    assert "X1" not in repr(raised.value)


def test_a_target_that_cannot_be_written_is_refused_first(storage: Storage, download: Download, tmp_path: Path) -> None:
    for bad in (tmp_path, tmp_path / "nowhere" / "p"):
        with pytest.raises(errors.InvalidArgumentError, match=r"^path: "):
            download(storage.link("package.zip"), bad)
    assert storage.seen == []


def test_what_the_storage_keeps_packed_is_unpacked(storage: Storage, download: Download, tmp_path: Path) -> None:
    import gzip

    bodies = [gzip.compress(b"one ") + gzip.compress(b"two"), gzip.compress(b"cut")[:-3]]

    def trouble(handler: Any, name: str) -> bool:
        handler.answer(200, bodies[0], **{"Content-Encoding": "gzip"})
        return True

    storage.trouble = trouble
    assert download(storage.link("package.zip"), tmp_path / "p")["bytes"] == 7
    assert (tmp_path / "p").read_bytes() == b"one two"
    bodies.pop(0)
    with pytest.raises(errors.BadResponseError, match="damaged"):
        download(storage.link("package.zip"), tmp_path / "q")
    assert files(tmp_path) == ["p"]


def test_a_download_that_is_cancelled_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    import threading

    sent, hold = threading.Event(), threading.Event()

    def trouble(handler: Any, name: str) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[:1000])
        handler.wfile.flush()
        sent.set()
        hold.wait(10)
        handler.close_connection = True
        return True

    storage.trouble = trouble

    async def main() -> None:
        async with xdrkit.AsyncClient(credential=credential()) as client:
            future = client._core.download_async(storage.link("package.zip"), tmp_path / "p")
            await asyncio.get_running_loop().run_in_executor(None, sent.wait, 10)
            future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future

    asyncio.run(main())
    hold.set()
    end = time.monotonic() + 5
    while files(tmp_path) and time.monotonic() < end:
        time.sleep(0.005)
    assert files(tmp_path) == []
