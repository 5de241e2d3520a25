"""A thousand callers, one token: threads and tasks that need the same sign-in wait for the one who is at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import xdrkit
    from harness import Child

CLIENTS = {
    "one credential": """
        credential = xdrkit.ClientSecretCredential(*app, authority=authority)
        c, a = xdrkit.Client(credential=credential), xdrkit.AsyncClient(credential=credential)
""",
    "the same application twice": """
        c, a = (kind(*app, authority=authority) for kind in (xdrkit.Client, xdrkit.AsyncClient))
""",
}


@pytest.mark.parametrize("clients", CLIENTS)
def test_a_thousand_callers_cause_one_token_request(
    clients: str, start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        f"""
        import asyncio, os, threading
        app = [os.environ[f"AZURE_{{name}}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
        authority = os.environ["AZURE_AUTHORITY_HOST"]
        {CLIENTS[clients].strip()}
        THREADS, CALLS, TASKS = 64, 8, 488
        barrier = threading.Barrier(THREADS + 1)
        seen = []

        def work():
            barrier.wait()
            for _ in range(CALLS):
                seen.append(c.whoami("endpoint")["expires_on"])

        async def main():
            tasks = [asyncio.ensure_future(a.whoami("endpoint")) for _ in range(TASKS)]
            barrier.wait()
            seen.extend(claims["expires_on"] for claims in await asyncio.gather(*tasks))

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        asyncio.run(main())
        for thread in threads:
            thread.join()
        tell(callers=len(seen), tokens=len(set(seen)), counted=c.stats["token_requests"] + a.stats["token_requests"])
        """,
        env=sandbox.env(),
    )
    heard = child.hear(60)
    child.ends_well()
    assert (heard["callers"], heard["tokens"]) == (1000, 1)
    assert [record["path"].rpartition("/")[2] for record in sandbox.requests].count("token") == 1
