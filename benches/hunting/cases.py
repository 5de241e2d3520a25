"""Each way from a query to its rows, and from a call to a small answer: one function for each, run in a process of its own.

A function gets the service's URL, makes what a program makes once (a session, a client) and gives back what is measured. That is called
with a query of a few rows first, so that connections are open and libraries are loaded; the call after it counts. It tells `first` when
the first row can be used, if that is earlier than the last one; what it gives back is what the program keeps.

Every peer is used as its documentation says, with what makes it fast, and none of them is asked to do more than xdrkit does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Run = Callable[[str, Callable[[], None]], Any]

GRAPH = "/v1.0/security/runHuntingQuery"
ENDPOINT = "/api/advancedqueries/run"
# What a token looks like that nobody can read; no service sees it.
TOKEN = "t" * 1500


class NotBuilt(Exception):  # noqa: N818
    """This build of xdrkit does not have it yet."""


class Case(NamedTuple):
    """A way, and what belongs to it."""

    group: str
    peer: str
    port: str
    make: Callable[..., Any]
    package: str


CASES: dict[str, Case] = {}


def case(
    group: str, peer: str, package: str, port: str = "graph"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function under `group/peer`."""

    def enter(make: Callable[..., Any]) -> Callable[..., Any]:
        CASES[f"{group}/{peer}"] = Case(group, peer, port, make, package)
        return make

    return enter


# ---- how each gets the bytes --------------------------------------------------------------------------------------------------------


def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def _requests(url: str, path: str) -> Callable[[str], bytes]:
    import requests

    session = requests.Session()
    session.trust_env = False
    session.headers.update(headers())
    return lambda query: session.post(url + path, json={"Query": query}).content


def _httpx(url: str, path: str) -> Callable[[str], bytes]:
    import httpx

    client = httpx.Client(headers=headers(), timeout=60, trust_env=False)
    return lambda query: client.post(url + path, json={"Query": query}).content


def _urllib3(url: str, path: str) -> Callable[[str], bytes]:
    import urllib3

    pool = urllib3.PoolManager(headers=headers())
    return lambda query: pool.request("POST", url + path, json={"Query": query}, headers=headers()).data


def _pyreqwest(url: str, path: str) -> Callable[[str], Any]:
    from pyreqwest.client import SyncClientBuilder

    client = SyncClientBuilder().default_headers(headers()).no_proxy().build()
    return lambda query: client.post(url + path).body_json({"Query": query}).build().send()


def xdrkit_client(url: str) -> Any:
    import warnings

    import xdrkit

    # 100,000 rows are what the service gives at most; the endpoint services end one day.
    warnings.simplefilter("ignore")
    return xdrkit.Client(credential=xdrkit.StaticTokenCredential(TOKEN), base_url=url)


def _hunt_iter(client: Any) -> Any:
    if not (hasattr(client, "hunt_iter") and hasattr(client._core, "hunt_stream")):
        raise NotBuilt("hunt_iter")
    return client.hunt_iter


# ---- the body alone: what no way can do without -------------------------------------------------------------------------------------


@case("body", "urllib3", "urllib3")
def body(url: str) -> Run:
    fetch = _urllib3(url, GRAPH)
    return lambda query, first: fetch(query) and 0


# ---- a list of dicts ----------------------------------------------------------------------------------------------------------------


@case("dicts", "requests + json", "requests")
def dicts_requests(url: str) -> Run:
    import json

    fetch = _requests(url, GRAPH)
    return lambda query, first: json.loads(fetch(query))["results"]


@case("dicts", "requests + orjson", "requests orjson")
def dicts_requests_orjson(url: str) -> Run:
    import orjson

    fetch = _requests(url, GRAPH)
    return lambda query, first: orjson.loads(fetch(query))["results"]


@case("dicts", "requests + msgspec", "requests msgspec")
def dicts_msgspec(url: str) -> Run:
    import msgspec

    fetch, decode = _requests(url, GRAPH), msgspec.json.Decoder().decode
    return lambda query, first: decode(fetch(query))["results"]


@case("dicts", "httpx + orjson", "httpx orjson")
def dicts_httpx(url: str) -> Run:
    import orjson

    fetch = _httpx(url, GRAPH)
    return lambda query, first: orjson.loads(fetch(query))["results"]


@case("dicts", "urllib3 + orjson", "urllib3 orjson")
def dicts_urllib3(url: str, path: str = GRAPH, results: str = "results") -> Run:
    import orjson

    fetch = _urllib3(url, path)
    return lambda query, first: orjson.loads(fetch(query))[results]


@case("dicts", "aiohttp + orjson", "aiohttp orjson")
def dicts_aiohttp(url: str) -> Run:
    import asyncio

    import aiohttp
    import orjson

    loop = asyncio.new_event_loop()

    async def session() -> Any:
        return aiohttp.ClientSession(headers=headers(), timeout=aiohttp.ClientTimeout(60))

    opened = loop.run_until_complete(session())

    async def fetch(query: str) -> Any:
        async with opened.post(url + GRAPH, json={"Query": query}) as answer:
            return orjson.loads(await answer.read())["results"]

    return lambda query, first: loop.run_until_complete(fetch(query))


@case("dicts", "pyreqwest + orjson", "pyreqwest orjson")
def dicts_pyreqwest(url: str) -> Run:
    import orjson

    fetch = _pyreqwest(url, GRAPH)
    return lambda query, first: orjson.loads(memoryview(fetch(query).bytes()))["results"]


@case("dicts", "xdrkit .rows", "xdrkit")
def dicts_xdrkit(url: str, api: str = "graph") -> Run:
    client = xdrkit_client(url)
    return lambda query, first: client.hunt(query, api=api).rows


@case("dicts", "xdrkit hunt_iter", "xdrkit")
def dicts_xdrkit_iter(url: str) -> Run:
    """Row for row while the answer is still coming; kept, as the others keep theirs."""
    hunt_iter = _hunt_iter(xdrkit_client(url))

    def run(query: str, first: Callable[[], None]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for batch in hunt_iter(query, api="graph", batch_rows=2_000):
            if not rows:
                _ = batch[0]
                first()
            rows += batch.rows
        return rows

    return run


# ---- data frames --------------------------------------------------------------------------------------------------------------------


@case("polars", "requests + json", "requests polars")
def polars_requests(url: str) -> Run:
    import polars

    fetch = dicts_requests(url)
    return lambda query, first: polars.DataFrame(fetch(query, first))


@case("polars", "httpx + orjson", "httpx orjson polars")
def polars_httpx(url: str) -> Run:
    import polars

    fetch = dicts_httpx(url)
    return lambda query, first: polars.DataFrame(fetch(query, first))


@case("polars", "httpx + orjson, times read", "httpx orjson polars")
def polars_httpx_times(url: str) -> Run:
    """With its times as times, as xdrkit's are."""
    import polars

    fetch = polars_httpx(url)
    times = polars.col("Timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="ns", time_zone="UTC")
    return lambda query, first: fetch(query, first).with_columns(times)


@case("polars", "xdrkit .to_polars", "xdrkit polars")
def polars_xdrkit(url: str, api: str = "graph") -> Run:
    import polars  # noqa: F401

    client = xdrkit_client(url)
    return lambda query, first: client.hunt(query, api=api).to_polars()


@case("polars", "xdrkit hunt_iter", "xdrkit polars")
def polars_xdrkit_iter(url: str) -> Run:
    import polars

    hunt_iter = _hunt_iter(xdrkit_client(url))

    def run(query: str, first: Callable[[], None]) -> Any:
        frames = []
        for batch in hunt_iter(query, api="graph", batch_rows=10_000):
            if not frames:
                first()
            frames.append(batch.to_polars())
        return polars.concat(frames)

    return run


@case("pandas", "requests + json, json_normalize", "requests pandas")
def pandas_requests(url: str) -> Run:
    import pandas

    fetch = dicts_requests(url)
    return lambda query, first: pandas.json_normalize(fetch(query, first))


@case("pandas", "httpx + orjson", "httpx orjson pandas")
def pandas_httpx(url: str) -> Run:
    import pandas

    fetch = dicts_httpx(url)
    return lambda query, first: pandas.DataFrame(fetch(query, first))


@case("pandas", "httpx + orjson, times read", "httpx orjson pandas")
def pandas_httpx_times(url: str) -> Run:
    """With its times as times, as msticpy's and xdrkit's are."""
    import pandas

    fetch = pandas_httpx(url)

    def run(query: str, first: Callable[[], None]) -> Any:
        frame = fetch(query, first)
        frame["Timestamp"] = pandas.to_datetime(frame["Timestamp"], utc=True, format="ISO8601")
        return frame

    return run


@case("pandas", "msticpy", "msticpy")
def pandas_msticpy(url: str) -> Run:
    """Its driver for Graph, signed in already."""
    from msticpy.data.core.query_defns import DataEnvironment  # type: ignore[import-untyped]
    from msticpy.data.drivers.mdatp_driver import MDATPDriver  # type: ignore[import-untyped]

    driver = MDATPDriver(data_environment=DataEnvironment.M365DGraph)
    driver.req_headers.update(headers())
    driver.request_uri = f"{url}/v1.0"
    driver._connected = True
    return lambda query, first: driver.query(query)


@case("pandas", "msgraph-sdk, to its models", "msgraph")
def models_msgraph(url: str) -> Run:
    """To its models: it has no way to a data frame, which would come on top."""
    import asyncio

    from kiota_abstractions.authentication import AnonymousAuthenticationProvider
    from msgraph import GraphRequestAdapter, GraphServiceClient
    from msgraph.generated.security.microsoft_graph_security_run_hunting_query.run_hunting_query_post_request_body import (
        RunHuntingQueryPostRequestBody,
    )

    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider())
    adapter.base_url = f"{url}/v1.0"
    client = GraphServiceClient(request_adapter=adapter)
    loop = asyncio.new_event_loop()

    async def fetch(query: str) -> Any:
        found = await client.security.microsoft_graph_security_run_hunting_query.post(
            RunHuntingQueryPostRequestBody(query=query)
        )
        return found.results

    return lambda query, first: loop.run_until_complete(fetch(query))


@case("pandas", "xdrkit .to_pandas", "xdrkit pandas")
def pandas_xdrkit(url: str) -> Run:
    import pandas  # noqa: F401

    client = xdrkit_client(url)
    return lambda query, first: client.hunt(query, api="graph").to_pandas()


@case("arrow", "httpx + orjson", "httpx orjson pyarrow")
def arrow_httpx(url: str) -> Run:
    import pyarrow

    fetch = dicts_httpx(url)
    return lambda query, first: pyarrow.Table.from_pylist(fetch(query, first))


@case("arrow", "xdrkit .to_arrow", "xdrkit pyarrow")
def arrow_xdrkit(url: str) -> Run:
    import pyarrow  # noqa: F401

    client = xdrkit_client(url)
    return lambda query, first: client.hunt(query, api="graph").to_arrow()


# ---- the largest answer there is, and a line of 800 Mbit/s --------------------------------------------------------------------------


@case("large dicts", "urllib3 + orjson", "urllib3 orjson", port="large")
def large_urllib3(url: str) -> Run:
    return dicts_urllib3(url, ENDPOINT, "Results")


@case("large dicts", "xdrkit .rows", "xdrkit", port="large")
def large_xdrkit(url: str) -> Run:
    return dicts_xdrkit(url, "endpoint")


@case("large polars", "urllib3 + orjson", "urllib3 orjson polars", port="large")
def large_polars(url: str) -> Run:
    import polars

    fetch = large_urllib3(url)
    return lambda query, first: polars.DataFrame(fetch(query, first))


@case("large polars", "xdrkit .to_polars", "xdrkit polars", port="large")
def large_polars_xdrkit(url: str) -> Run:
    return polars_xdrkit(url, "endpoint")


case("paced dicts", "urllib3 + orjson", "urllib3 orjson", port="paced")(dicts_urllib3)
case("paced dicts", "xdrkit .rows", "xdrkit", port="paced")(dicts_xdrkit)
case("paced polars", "httpx + orjson", "httpx orjson polars", port="paced")(polars_httpx)
case("paced polars", "xdrkit .to_polars", "xdrkit polars", port="paced")(polars_xdrkit)


# ---- a million rows -----------------------------------------------------------------------------------------------------------------

PIECES = 20


@case("million", "xdrkit hunt_iter", "xdrkit", port="many")
def million(url: str) -> Run:
    """Twenty windows of 50,000 rows, each row looked at and let go."""
    hunt_iter = _hunt_iter(xdrkit_client(url))
    window = {"since": "2026-11-01T00:00:00Z", "until": f"2026-11-{PIECES + 1}T00:00:00Z", "split": "1d"}

    def run(query: str, first: Callable[[], None]) -> int:
        rows = 0
        for batch in hunt_iter(query, api="graph", batch_rows=10_000, **window):
            if not rows:
                first()
            rows += sum(row["DeviceName"] is not None for row in batch)
        return rows

    return run
