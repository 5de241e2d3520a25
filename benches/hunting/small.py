"""A small call, 2 KB of JSON over a connection that is open: one after the other, and 64 in flight; and what an import costs.

A function gets the service's URL and gives back one that makes so many calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cases import TOKEN, case, headers, xdrkit_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

MACHINE = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"
IN_FLIGHT = 64


def _in_turn(call: Callable[[], Any]) -> Callable[[int], None]:
    def run(calls: int) -> None:
        for _ in range(calls):
            if call()["id"] != MACHINE:
                raise ValueError("not the machine that was asked for")

    return run


def _in_crowds(call: Callable[[], Awaitable[Any]], loop: Any) -> Callable[[int], None]:
    import asyncio

    async def one(calls: int) -> None:
        for _ in range(calls):
            if (await call())["id"] != MACHINE:
                raise ValueError("not the machine that was asked for")

    async def all_(calls: int) -> None:
        await asyncio.gather(*[one(calls // IN_FLIGHT) for _ in range(IN_FLIGHT)])

    return lambda calls: loop.run_until_complete(all_(calls))


@case("small", "requests", "requests")
def small_requests(url: str) -> Callable[[int], None]:
    import requests

    session = requests.Session()
    session.headers.update(headers())
    return _in_turn(lambda: session.get(f"{url}/api/machines/{MACHINE}").json())


@case("small", "httpx", "httpx")
def small_httpx(url: str) -> Callable[[int], None]:
    import httpx

    client = httpx.Client(headers=headers())
    return _in_turn(lambda: client.get(f"{url}/api/machines/{MACHINE}").json())


@case("small", "urllib3", "urllib3")
def small_urllib3(url: str) -> Callable[[int], None]:
    import urllib3

    pool = urllib3.PoolManager(headers=headers())
    return _in_turn(lambda: pool.request("GET", f"{url}/api/machines/{MACHINE}").json())


@case("small", "pyreqwest", "pyreqwest")
def small_pyreqwest(url: str) -> Callable[[int], None]:
    from pyreqwest.client import SyncClientBuilder

    client = SyncClientBuilder().default_headers(headers()).no_proxy().build()
    return _in_turn(lambda: client.get(f"{url}/api/machines/{MACHINE}").build().send().json())


@case("small", "xdrkit", "xdrkit")
def small_xdrkit(url: str) -> Callable[[int], None]:
    client = xdrkit_client(url)
    return _in_turn(lambda: client.machines.get(MACHINE))


@case("crowd", "httpx", "httpx")
def crowd_httpx(url: str) -> Callable[[int], None]:
    import asyncio

    import httpx

    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(
        headers=headers(), limits=httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    )

    async def call() -> Any:
        return (await client.get(f"{url}/api/machines/{MACHINE}")).json()

    return _in_crowds(call, loop)


@case("crowd", "aiohttp", "aiohttp")
def crowd_aiohttp(url: str) -> Callable[[int], None]:
    import asyncio

    import aiohttp

    loop = asyncio.new_event_loop()

    async def session() -> Any:
        return aiohttp.ClientSession(headers=headers(), connector=aiohttp.TCPConnector(limit=IN_FLIGHT))

    opened = loop.run_until_complete(session())

    async def call() -> Any:
        async with opened.get(f"{url}/api/machines/{MACHINE}") as answer:
            return await answer.json()

    return _in_crowds(call, loop)


@case("crowd", "pyreqwest", "pyreqwest")
def crowd_pyreqwest(url: str) -> Callable[[int], None]:
    import asyncio

    from pyreqwest.client import ClientBuilder

    loop = asyncio.new_event_loop()
    client = ClientBuilder().default_headers(headers()).no_proxy().build()

    async def call() -> Any:
        return await (await client.get(f"{url}/api/machines/{MACHINE}").build().send()).json()

    return _in_crowds(call, loop)


@case("crowd", "xdrkit", "xdrkit")
def crowd_xdrkit(url: str) -> Callable[[int], None]:
    import asyncio

    import xdrkit

    loop = asyncio.new_event_loop()
    client = xdrkit.AsyncClient(credential=xdrkit.StaticTokenCredential(TOKEN), base_url=url)
    return _in_crowds(lambda: client.machines.get(MACHINE), loop)


# ---- import -------------------------------------------------------------------------------------------------------------------------

IMPORTS = {
    "bare interpreter": "pass",
    "xdrkit": "import xdrkit",
    "xdrkit, with its client": "from xdrkit import Client",
    "requests": "import requests",
    "httpx": "import httpx",
    "azure-identity": "import azure.identity",
    "falconpy": "import falconpy",
    "msgraph-sdk": "import msgraph",
    "msticpy": "import msticpy",
}
