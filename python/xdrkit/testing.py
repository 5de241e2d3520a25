"""A pytest plugin for tests of programs that use xdrkit: a fake tenant for each test, clients for it, and cassettes of a real one.

pytest finds it by itself once xdrkit is installed::

    @pytest.mark.xdr_sandbox(permissions=["Machine.Read.All", "Machine.Isolate"])
    def test_isolates_what_is_at_high_risk(xdr_sandbox, xdr_client):
        my_playbook(xdr_client)
        assert [r["operation"] for r in xdr_sandbox.requests if r["method"] == "POST"] == ["machines.isolate"]

The marker takes the options of `xdrkit.sandbox()`; one on a class or a module counts for all its tests, and the nearest one wins.
``--xdr-world``, or ``xdr_world`` in pytest's settings, chooses the world of those that name none.

What a program did with a tenant is replayed without one by `cassette`, or by the fixture `xdr_cassette`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Iterator
    from typing import Any

    from ._async_client import AsyncClient
    from ._cassette import Cassette, Record
    from ._client import Client
    from ._sandbox import Sandbox

__all__ = ["cassette", "xdr_async_client", "xdr_cassette", "xdr_client", "xdr_sandbox"]

# So many requests are shown below a test that failed.
_SHOWN = 20
_LONGEST = 160


def pytest_addoption(parser: pytest.Parser) -> None:
    """The world that tests are in unless they choose one."""
    said = "the world of xdr_sandbox: intrusion, empty, large, or a file of one"
    parser.getgroup("xdrkit").addoption("--xdr-world", metavar="WORLD", help=said)
    parser.addini("xdr_world", said)
    modes = ("none", "once", "new", "all")
    help_ = (
        "what xdr_cassette does with requests that are not on its cassette: refuse them (none), or send and record them"
    )
    parser.getgroup("xdrkit").addoption("--xdr-record", choices=modes, help=help_)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "xdr_sandbox(**options): start xdr_sandbox with these options of xdrkit.sandbox()"
    )
    config.addinivalue_line(
        "markers", "xdr_cassette(**options): use xdr_cassette with these options of xdrkit.testing.cassette()"
    )


def cassette(
    path: str | os.PathLike[str], record: Record = "none", redact: Iterable[str] = (), keep: Iterable[str] = ()
) -> Cassette:
    """Record what clients ask the services, or answer them from what was recorded; for ``with`` and ``async with``.

    All clients that are made inside the block are on it. On replay nobody signs in, nothing is sent, and no wait takes time.

    Args:
        path: The file, JSON lines. It is written at the end of the block, for its owner alone.
        record: ``"none"``: what is not on it is an error. ``"once"``: it is recorded if the file is not there. ``"new"``: what is not
            on it is sent and added. ``"all"``: it is recorded anew.
        redact: Further texts to replace. Secrets are always removed; names of people, machines, domains and tenants, mail addresses and
            SIDs are always replaced, the same name by the same stand-in.
        keep: Names to leave as they are.

    Returns:
        The cassette: `requests`, `unplayed`, `assert_all_played()`.

    Raises:
        InvalidArgumentError: `record` is no such word.
        CassetteError: on entering, the file is not there or is no cassette; on leaving, something was asked for that is not on it.
    """
    from ._cassette import Cassette

    return Cassette(path, record, redact, keep)


def _marked(request: pytest.FixtureRequest, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with those of the markers of that name, of which the nearest counts most."""
    for marker in reversed(list(request.node.iter_markers(name))):
        if marker.args:
            pytest.fail(f"{name}: takes options by name, not {marker.args[0]!r}", pytrace=False)
        options.update(marker.kwargs)
    return options


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    world = request.config.getoption("--xdr-world") or request.config.getini("xdr_world")
    return _marked(request, "xdr_sandbox", {"world": world} if world else {})


@pytest.fixture
def xdr_cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """A cassette of the test's own, ``cassettes/<module>/<test>.jsonl`` beside its file; see `cassette`.

    ``--xdr-record`` says whether it is recorded; the marker ``xdr_cassette`` takes `cassette`'s other options.
    """
    from contextlib import ExitStack

    from .errors import CassetteError, InvalidArgumentError

    words = "".join(c if c.isalnum() or c in "-_.[]" else "-" for c in request.node.name)
    path = request.path.parent / "cassettes" / request.path.stem / f"{words}.jsonl"
    options = {"path": path, **_marked(request, "xdr_cassette", {})}
    record = request.config.getoption("--xdr-record")
    if record:
        options["record"] = record
    with ExitStack() as stack:
        try:
            tape = stack.enter_context(cassette(**options))
        except (TypeError, InvalidArgumentError, CassetteError) as error:
            pytest.fail(f"xdr_cassette: {error}", pytrace=False)
        yield tape


@pytest.fixture
def xdr_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of the test's own, as at the start, on a port of its own."""
    from ._sandbox import sandbox
    from .errors import InvalidArgumentError

    try:
        running = sandbox(**_options(request))
    except (TypeError, InvalidArgumentError) as error:
        pytest.fail(f"xdr_sandbox: {error}", pytrace=False)
    with running:
        yield running


@pytest.fixture
def xdr_client(xdr_sandbox: Sandbox) -> Iterator[Client]:
    """A client in application context, signed in to `xdr_sandbox`."""
    with xdr_sandbox.client() as client:
        yield client


@pytest.fixture
def xdr_async_client(xdr_sandbox: Sandbox) -> Iterator[AsyncClient]:
    """An async client in application context, signed in to `xdr_sandbox`.

    It belongs to no event loop: use it in a test of pytest-asyncio or anyio, or in `asyncio.run`. It is closed after the test.
    """
    client = xdr_sandbox.async_client()
    try:
        yield client
    finally:
        # What aclose() does needs no loop, and the test's is over.
        client._core.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Show what a failed test asked for."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.failed and report.when != "teardown":
        for name, running in getattr(item, "funcargs", {}).items():
            if _is_sandbox(running):
                report.sections.append((f"Requests to {name}", _told(running)))


def _is_sandbox(value: object) -> bool:
    import sys

    # Nobody has one without this module.
    loaded = sys.modules.get("xdrkit._sandbox")
    return loaded is not None and isinstance(value, loaded.Sandbox)


def _told(running: Sandbox) -> str:
    records: list[Any] = list(running.requests)
    lines = [f"({len(records) - _SHOWN} earlier ones)"] if len(records) > _SHOWN else []
    for record in records[-_SHOWN:]:
        target = record["path"] + (f"?{record['query']}" if record["query"] else "")
        if len(target) > _LONGEST:
            target = target[: _LONGEST - 1] + "…"
        facts = [
            f"{record['status'] or 'no answer'}",
            record["method"],
            target,
            f"{record['duration_us'] / 1000:.1f} ms",
        ]
        facts += [record[name] for name in ("operation", "user") if record[name]]
        if record.get("fault"):
            facts.append(f"fault {record['fault']}")
        lines.append("  ".join(facts))
    return "\n".join(lines) or "(none)"
