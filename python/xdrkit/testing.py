"""Fixtures for tests of programs that use xdrkit: a fake tenant and a client for it.

pytest finds them by itself once xdrkit is installed::

    def test_isolates_what_is_at_high_risk(xdr_sandbox, xdr_client):
        my_playbook(xdr_client)
        assert [r["operation"] for r in xdr_sandbox.requests if r["method"] == "POST"] == ["machines.isolate"]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._client import Client
    from ._sandbox import Sandbox

__all__ = ["xdr_client", "xdr_sandbox"]


@pytest.fixture
def xdr_sandbox() -> Iterator[Sandbox]:
    """A sandbox of the test's own, as at the start."""
    from ._sandbox import sandbox

    with sandbox() as running:
        yield running


@pytest.fixture
def xdr_client(xdr_sandbox: Sandbox) -> Iterator[Client]:
    """A client in application context, signed in to `xdr_sandbox`."""
    with xdr_sandbox.client() as client:
        yield client
