"""Sign-in beside Microsoft's own libraries, unmodified, in one run against one sandbox: a herd, a token that is there, an import.

    .venv/bin/python -m benches.sign_in [--rounds 7] [--json]

The sandbox runs in a process of its own, over https, and counts who asks it for tokens. CPU time is that of this process with all its
threads, so the server's work counts for nobody. Sides take turns within each round, and medians are shown with the smallest and the
largest: on a busy machine they are to be compared with each other, not with those of another run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import azure.identity
import azure.identity.aio
import msal  # type: ignore[import-untyped]
from benches.machine import imported, processor

import xdrkit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

CALLERS = 32
SCOPE = "https://api.securitycenter.microsoft.com/.default"
ENOUGH = 0.1  # seconds of CPU for one measurement of a cached token
# requests prefers these to the file that MSAL is given.
FOREIGN_ROOTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")

SERVER = """
import json, sys, xdrkit

with xdrkit.sandbox(tls=True) as sb:
    print(json.dumps([sb.url, sb.ca_file, sb.tenant_id, sb.client_id, sb.identity["client_secret"]]), flush=True)
    for _ in sys.stdin:
        print(sum(r["path"].endswith("/oauth2/v2.0/token") for r in sb.requests), flush=True)
        sb.reset()
"""


class Place(NamedTuple):
    """Where to sign in, and as whom."""

    url: str
    ca_file: str | None
    tenant_id: str
    client_id: str
    secret: str


class Cost(NamedTuple):
    """Seconds on the wall and of CPU."""

    wall: float
    cpu: float


class Watch:
    """Measures what happens inside it."""

    def __enter__(self) -> Watch:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cost = Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu)


# ---- the sides ----------------------------------------------------------------------------------------------------------------------


def ours(at: Place) -> xdrkit.ClientSecretCredential:
    return xdrkit.ClientSecretCredential(at.tenant_id, at.client_id, at.secret, authority=at.url, ca_bundle=at.ca_file)


def azure_sync(at: Place) -> azure.identity.ClientSecretCredential:
    return azure.identity.ClientSecretCredential(at.tenant_id, at.client_id, at.secret, **_azure(at))


def azure_async(at: Place) -> azure.identity.aio.ClientSecretCredential:
    return azure.identity.aio.ClientSecretCredential(at.tenant_id, at.client_id, at.secret, **_azure(at))


def _azure(at: Place) -> dict[str, Any]:
    return {"authority": at.url, "disable_instance_discovery": True, "connection_verify": at.ca_file}


def msal_app(at: Place) -> Callable[[], str]:
    """MSAL tells failures in its answer: they must not be taken for tokens."""
    app = msal.ConfidentialClientApplication(
        at.client_id,
        client_credential=at.secret,
        authority=f"{at.url}/{at.tenant_id}",
        instance_discovery=False,
        verify=at.ca_file,
    )
    return lambda: str(app.acquire_token_for_client([SCOPE])["access_token"])


# ---- the herd: everybody needs the same token, and nobody has it --------------------------------------------------------------------


def together(callers: list[Callable[[], object]]) -> Cost:
    """Each in a thread of its own, and all begin at once."""
    gate = threading.Barrier(len(callers) + 1)

    def begin(call: Callable[[], object]) -> None:
        gate.wait()
        call()

    with ThreadPoolExecutor(len(callers)) as pool:
        under_way = [pool.submit(begin, call) for call in callers]
        with Watch() as watch:
            gate.wait()
            for caller in under_way:
                caller.result()
    return watch.cost


async def tasks(call: Callable[[], Awaitable[object]]) -> Cost:
    """As many tasks of one loop."""
    with Watch() as watch:
        await asyncio.gather(*[call() for _ in range(CALLERS)])
    return watch.cost


def our_threads(at: Place) -> Cost:
    credential = ours(at)
    return together([lambda: credential.get_token(SCOPE)] * CALLERS)


def our_tasks(at: Place) -> Cost:
    credential = ours(at).aio
    return asyncio.run(tasks(lambda: credential.get_token(SCOPE)))


def our_clients(at: Place) -> Cost:
    """32 threads with the sync client and 32 tasks with the async one, which share a credential."""
    credential = ours(at)
    where: dict[str, Any] = {"credential": credential, "base_url": at.url, "ca_bundle": at.ca_file}
    loop = asyncio.new_event_loop()
    with xdrkit.Client(**where) as client, contextlib.closing(loop):
        other = xdrkit.AsyncClient(**where)
        crowd: list[Callable[[], object]] = [lambda: client.whoami("endpoint")] * CALLERS
        cost = together([*crowd, lambda: loop.run_until_complete(tasks(lambda: other.whoami("endpoint")))])
        loop.run_until_complete(other.aclose())
    return cost


def azure_threads(at: Place) -> Cost:
    with azure_sync(at) as credential:
        return together([lambda: credential.get_token(SCOPE)] * CALLERS)


def azure_tasks(at: Place) -> Cost:
    async def main() -> Cost:
        async with azure_async(at) as credential:
            return await tasks(lambda: credential.get_token(SCOPE))

    return asyncio.run(main())


def msal_threads(at: Place) -> Cost:
    return together([msal_app(at)] * CALLERS)


HERDS: dict[str, Callable[[Place], Cost]] = {
    "xdrkit, threads": our_threads,
    "xdrkit, tasks": our_tasks,
    "xdrkit, both clients (twice as many)": our_clients,
    "azure-identity, threads": azure_threads,
    "azure-identity, tasks": azure_tasks,
    "MSAL, threads": msal_threads,
}


# ---- a token that is there ----------------------------------------------------------------------------------------------------------


def each(call: Callable[[], object], times: int) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


async def each_awaited(call: Callable[[], Awaitable[object]], times: int) -> float:
    start = time.process_time()
    for _ in range(times):
        await call()
    return (time.process_time() - start) / times


def measured(measure: Callable[[int], float]) -> Callable[[], float]:
    """Finds out how many calls are enough, which also fills the cache."""
    measure(1)
    times = max(10, int(ENOUGH / max(measure(10), 1e-9)))
    return lambda: measure(times)


@contextlib.contextmanager
def hits(at: Place) -> Iterator[dict[str, Callable[[], float]]]:
    """What to measure, by name; the tokens are there."""
    mine, theirs, app, loop = ours(at), azure_sync(at), msal_app(at), asyncio.new_event_loop()
    mine_async, theirs_async = mine.aio, azure_async(at)
    with theirs, contextlib.closing(loop), xdrkit.Client(credential=mine, ca_bundle=at.ca_file) as client:

        def awaited(call: Callable[[], Awaitable[object]]) -> Callable[[int], float]:
            return lambda times: loop.run_until_complete(each_awaited(call, times))

        calls = {
            "xdrkit get_token": lambda times: each(lambda: mine.get_token(SCOPE), times),
            "xdrkit get_token_info": lambda times: each(lambda: mine.get_token_info(SCOPE), times),
            "xdrkit aio.get_token": awaited(lambda: mine_async.get_token(SCOPE)),
            "xdrkit client.whoami": lambda times: each(lambda: client.whoami("endpoint"), times),
            "azure-identity get_token": lambda times: each(lambda: theirs.get_token(SCOPE), times),
            "azure-identity aio get_token": awaited(lambda: theirs_async.get_token(SCOPE)),
            "MSAL acquire_token_for_client": lambda times: each(app, times),
        }
        yield {name: measured(call) for name, call in calls.items()}
        loop.run_until_complete(theirs_async.close())


# ---- import -------------------------------------------------------------------------------------------------------------------------

IMPORTS = {
    "bare interpreter": "pass",
    "xdrkit": "import xdrkit",
    "azure-identity": "import azure.identity",
    "MSAL": "import msal",
}


# ---- all of it ----------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def sandbox() -> Iterator[tuple[Place, Callable[[], int]]]:
    """A sandbox in another process, and how many tokens it was asked for since the last time."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    questions, answers = server.stdin, server.stdout

    def count() -> int:
        questions.write("?\n")
        questions.flush()
        return int(answers.readline())

    try:
        yield Place(*json.loads(answers.readline())), count
    finally:
        questions.close()
        server.wait()
        answers.close()


def herds(at: Place, count: Callable[[], int], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Token requests, and milliseconds on the wall and of CPU."""
    found: dict[str, dict[str, list[float]]] = {name: {"requests": [], "wall": [], "cpu": []} for name in HERDS}
    for _ in range(rounds):
        for name, herd in HERDS.items():
            count()
            cost = herd(at)
            for key, value in (("requests", count()), ("wall", cost.wall * 1e3), ("cpu", cost.cpu * 1e3)):
                found[name][key].append(value)
    return found


def cached(at: Place, count: Callable[[], int], rounds: int) -> dict[str, list[float]]:
    """CPU microseconds of a call whose token is there."""
    with hits(at) as calls:
        count()
        found: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds):
            for name, measure in calls.items():
                found[name].append(measure() * 1e6)
        asked = count()
    if asked:
        sys.exit(f"{asked} tokens were asked for: these were no cached ones")
    return found


def imports(rounds: int) -> dict[str, dict[str, list[float]]]:
    """CPU milliseconds and megabytes."""
    found: dict[str, dict[str, list[float]]] = {name: {"cpu": [], "memory": []} for name in IMPORTS}
    for _ in range(rounds):
        for name, statement in IMPORTS.items():
            cpu, memory = imported(statement)
            found[name]["cpu"].append(cpu)
            found[name]["memory"].append(memory)
    return found


def versions() -> str:
    names = ("xdrkit", "azure-identity", "msal", "aiohttp", "requests")
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"{packages}; Python {platform.python_version()}; {processor()}"


def span(values: list[float], digits: int) -> str:
    """The median, with the smallest and the largest."""
    return f"{statistics.median(values):9.{digits}f}  {f'{min(values):.{digits}f}-{max(values):.{digits}f}':<14}"


def ratio(values: list[float], base: list[float], less: float = 0) -> str:
    return f"{(statistics.median(values) - less) / (statistics.median(base) - less):6.1f} x"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object with all values instead of tables")
    options = parser.parse_args()
    for name in FOREIGN_ROOTS:
        os.environ.pop(name, None)
    with sandbox() as (at, count):
        herd = herds(at, count, options.rounds)
        hit = cached(at, count, options.rounds)
    module = imports(options.rounds)
    if options.json:
        print(json.dumps({"versions": versions(), "herd": herd, "hit_us": hit, "import": module}))
        return
    print(
        f"{versions()}\n{options.rounds} rounds, sides in turn: median, smallest-largest; x: against the first line\n"
    )
    print(f"{f'{CALLERS} callers, no token':38}{'token requests':>24}{'wall ms':>16}{'CPU ms':>25}")
    base = herd["xdrkit, threads"]
    for name, found in herd.items():
        print(
            f"{name:38}{span(found['requests'], 0)}{span(found['wall'], 1)}{span(found['cpu'], 1)}"
            f"{ratio(found['cpu'], base['cpu'])}"
        )
    print(f"\n{'a token that is there':38}{'CPU us a call':>16}")
    for name, values in hit.items():
        print(f"{name:38}{span(values, 2)}{ratio(values, hit['xdrkit get_token'])}")
    bare, least = module["bare interpreter"], module["xdrkit"]
    print(f"\n{'import':38}{'CPU ms':>9}{'memory MB':>25}")
    for name, found in module.items():
        print(f"{name:38}{span(found['cpu'], 1)}{span(found['memory'], 1)}".rstrip())
    for name in ("azure-identity", "MSAL"):
        cpu, memory = (ratio(module[name][key], least[key], statistics.median(bare[key])) for key in ("cpu", "memory"))
        print(f"beyond the bare interpreter, {name} is to xdrkit as:{cpu} CPU time,{memory} memory")


if __name__ == "__main__":
    main()
