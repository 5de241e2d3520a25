"""A pytest plugin for tests of programs that use xdrkit: a fake tenant for each test, and clients for it.

pytest finds it by itself once xdrkit is installed::

    @pytest.mark.xdr_sandbox(permissions=["Machine.Read.All", "Machine.Isolate"])
    def test_isolates_what_is_at_high_risk(xdr_sandbox, xdr_client):
        my_playbook(xdr_client)
        assert [r["operation"] for r in xdr_sandbox.requests if r["method"] == "POST"] == ["machines.isolate"]

The marker takes the options of `xdrkit.sandbox()`; one on a class or a module counts for all its tests, and the nearest one wins.
``--xdr-world``, or ``xdr_world`` in pytest's settings, chooses the world of those that name none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from ._async_client import AsyncClient
    from ._client import Client
    from ._sandbox import Sandbox

__all__ = ["xdr_async_client", "xdr_client", "xdr_sandbox"]

# So many requests are shown below a test that failed.
_SHOWN = 20
_LONGEST = 160


def pytest_addoption(parser: pytest.Parser) -> None:
    """The world that tests are in unless they choose one."""
    said = "the world of xdr_sandbox: intrusion, empty, large, or a file of one"
    parser.getgroup("xdrkit").addoption("--xdr-world", metavar="WORLD", help=said)
    parser.addini("xdr_world", said)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "xdr_sandbox(**options): start xdr_sandbox with these options of xdrkit.sandbox()"
    )


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    world = request.config.getoption("--xdr-world") or request.config.getini("xdr_world")
    options: dict[str, Any] = {"world": world} if world else {}
    for marker in reversed(list(request.node.iter_markers("xdr_sandbox"))):
        if marker.args:
            pytest.fail(f"xdr_sandbox: takes options by name, not {marker.args[0]!r}", pytrace=False)
        options.update(marker.kwargs)
    return options


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
