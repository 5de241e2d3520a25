"""A bug in the Rust code is an ordinary exception of ours, and the client survives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Child, Stall


def test_a_panic_is_an_internal_error_and_the_client_goes_on(start: Callable[..., Child], stall: Stall) -> None:
    stall.holding = False
    child = start("""
        import asyncio
        from xdrkit import _core
        c, a = client(), client(xdrkit.AsyncClient)

        async def panic():
            await _core._panic_for_test_async()

        kinds = []
        for _ in range(3):
            for cause in (_core._panic_for_test, lambda: asyncio.run(panic())):
                try:
                    cause()
                except Exception as error:
                    kinds.append(type(error).__name__)
                    assert isinstance(error, xdrkit.InternalError) and isinstance(error, xdrkit.XdrError)
            assert c.request("GET", "/after")["value"] == []
            assert asyncio.run(a.request("GET", "/after"))["value"] == []
        tell(kinds=kinds)
    """)
    assert child.hear() == {"kinds": ["InternalError"] * 6}
    assert child.end().code == 0
