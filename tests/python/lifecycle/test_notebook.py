"""A real notebook kernel: sync and awaited calls in its running loop, and its interrupt button."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
wait = pytest.importorskip("jupyter_core.utils").run_sync

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import xdrkit
    from harness import Stall

pytestmark = pytest.mark.dev


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A notebook client with a kernel of its own, and no file of the user's in reach."""
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    client = nbclient.NotebookClient(nbformat.v4.new_notebook(), timeout=60, kernel_name="python3")
    with client.setup_kernel():
        yield client


def run(kernel: Any, source: str) -> str:
    """Execute a cell and give back what it printed."""
    cell = nbformat.v4.new_code_cell(source)
    kernel.nb.cells.append(cell)
    kernel.execute_cell(cell, len(kernel.nb.cells) - 1)
    return "".join(output.get("text", "") for output in cell.outputs)


def test_sync_and_awaited_calls_in_a_notebook(kernel: Any, sandbox: xdrkit.Sandbox) -> None:
    settings = f"import os, xdrkit\nos.environ.update({sandbox.env()!r})\nclient, aclient = xdrkit.Client(), xdrkit.AsyncClient()"
    assert run(kernel, settings) == ""
    assert run(kernel, "print(len(client.request('GET', '/api/machines', params={'$top': 2})['value']))") == "2\n"
    assert run(kernel, "print(len((await aclient.hunt('DeviceInfo | take 3'))))") == "3\n"
    assert run(kernel, "print(len(client.hunt('DeviceInfo | take 3')))") == "3\n"
    assert (
        run(kernel, "async for machine in aclient.machines.list():\n    break\nprint(bool(machine['id']))") == "True\n"
    )
    cell = nbformat.v4.new_code_cell("client.hunt('DeviceInfo | take 3 | project DeviceName')")
    kernel.nb.cells.append(cell)
    kernel.execute_cell(cell, len(kernel.nb.cells) - 1)
    assert "<table" in cell.outputs[0]["data"]["text/html"]


def test_interrupting_the_kernel_ends_a_blocking_call(kernel: Any, stall: Stall) -> None:
    run(
        kernel,
        f"""
        import time, xdrkit
        client = xdrkit.Client(
            "11111111-2222-3333-4444-555555555555", credential=xdrkit.StaticTokenCredential("a-token"),
            base_url={stall.url!r},
        )
        """,
    )
    request = kernel.kc.execute("client.request('GET', '/held')")
    stall.arrival()
    sent = time.monotonic()
    wait(kernel.km.interrupt_kernel)()
    reply = wait(kernel.kc.get_shell_msg)(timeout=20)
    assert time.monotonic() - sent < 1
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    stall.end()
    stall.release()
    heard: dict[str, Any] = {}
    while (heard.get("parent_header", {}).get("msg_id"), heard.get("content", {}).get("execution_state")) != (
        request,
        "idle",
    ):
        heard = wait(kernel.kc.get_iopub_msg)(timeout=20)
    assert run(kernel, "print(client.request('GET', '/quick')['value'])") == "[]\n"
