"""A herd: everybody needs the same token and nobody has it. Ours beside Microsoft's own libraries, unmodified, in one run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("azure.identity.aio")
pytest.importorskip("aiohttp")
pytest.importorskip("msal")

pytestmark = pytest.mark.dev


@pytest.fixture(scope="module")
def tls() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(tls=True) as running:
        yield running


@pytest.fixture
def bench(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The callers are the benchmark's, so that what it measures is what is tested here."""
    monkeypatch.syspath_prepend(root)
    module = importlib.import_module("benches.sign_in")
    for name in module.FOREIGN_ROOTS:
        monkeypatch.delenv(name, raising=False)
    return module


@pytest.fixture
def asked(bench: Any, tls: xdrkit.Sandbox) -> Callable[[str], int]:
    """How many tokens the sandbox is asked for by a herd of that name."""
    place = bench.Place(tls.url, tls.ca_file, tls.tenant_id, tls.client_id, tls.identity["client_secret"])

    def asked(name: str) -> int:
        tls.reset()
        bench.HERDS[name](place)
        return sum(record["path"].endswith("/oauth2/v2.0/token") for record in tls.requests)

    return asked


def test_a_herd_asks_once_and_the_other_libraries_herds_do_not(
    bench: Any, asked: Callable[[str], int], record_property: Callable[[str, object], None]
) -> None:
    counts = {name: asked(name) for name in bench.HERDS}
    for name, count in counts.items():
        print(f"{name:38}{count:4}")
        record_property(name, count)
    ours = {name: count for name, count in counts.items() if name.startswith("xdrkit")}
    assert ours == dict.fromkeys(ours, 1)
    assert len(ours) == 3, "threads, tasks, and both clients together"
    peers = {name: count for name, count in counts.items() if name not in ours}
    assert len(peers) == 3
    assert min(peers.values()) >= 1, "the sandbox counts theirs, too; how many they are depends on timing"
    assert counts["azure-identity, tasks"] > 1, (
        "if this fails: they have found the same remedy, and our words about them are old"
    )


def test_a_herd_that_comes_again_asks_no_more(bench: Any, tls: xdrkit.Sandbox) -> None:
    place = bench.Place(tls.url, tls.ca_file, tls.tenant_id, tls.client_id, tls.identity["client_secret"])
    tls.reset()
    credential = bench.ours(place)
    for _ in range(2):
        bench.together([lambda: credential.get_token(bench.SCOPE)] * bench.CALLERS)
    assert [record["path"].rpartition("/")[2] for record in tls.requests] == ["token"]
