"""Sign-in beside Microsoft's own libraries, unmodified, in one run against one sandbox: a herd, a token that is there, an import.

    .venv/bin/python benches/sign_in.py [--rounds 7] [--json]

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
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import azure.identity
import azure.identity.aio
import msal

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
    return xdrkit.ClientSecretCredential(
        at.tenant_id, at.client_id, at.secret, authority=at.url, ca_bundle=at.ca_file
    )


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


# ---- the herd: everybody needs the same token, and nobody has it ------------------------------------------------------------------------


def threads(call: Callable[[], object], more: Callable[[Callable[[], object]], object] | None = None) -> Cost:
    """32 threads that begin at once; with them what `more` does when it has called what it is given."""
    gate, failures = threading.Barrier(CALLERS + 1), []

    def caller() -> None:
        gate.wait()
        try:
            call()
        except Exception as error:
            failures.append(error)

    crowd = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in crowd:
        thread.start()
    with Watch() as watch:
        (more or Callable.__call__)(gate.wait)
        for thread in crowd:
            thread.join()
    if failures:
        raise failures[0]
    return watch.cost


async def tasks(call: Callable[[], Awaitable[object]]) -> Cost:
    """32 tasks that begin at once."""
    with Watch() as watch:
        await asyncio.gather(*[call() for _ in range(CALLERS)])
    return watch.cost
