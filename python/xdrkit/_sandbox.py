"""A fake tenant in this process: Entra ID and the three services on loopback, with a seeded intrusion to hunt for.

Everything goes over real HTTP, so what works here works on a tenant; and nothing leaves the computer.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from . import _core
from ._client import Client
from ._time import ticks
from .credentials import DeviceCode, DeviceCodeCredential
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Any, Literal, TypedDict

    from typing_extensions import Self

    from ._async_client import AsyncClient

    class RequestRecord(TypedDict):
        """One request that reached the sandbox. Never a secret or token."""

        method: str
        path: str
        query: str
        status: int
        operation: str | None
        user: str | None
        duration_us: int
        authorization: bool


__all__ = ["Sandbox", "sandbox"]


# Seconds between two looks at an action that ends within two looks.
_POLL = 0.05


def sandbox(
    *,
    port: int = 0,
    now: datetime | str | None = None,
    seed: int = 0,
    auto_approve: bool = True,
    permissions: Sequence[str] | None = None,
    page_size: int | None = None,
) -> Sandbox:
    """Start a sandbox: a fake Entra ID and Defender tenant on 127.0.0.1, within 50 ms.

    Args:
        port: The port. Default: a free one.
        now: The moment at which the seeded story ends: an aware datetime or ISO 8601 text with its zone. Default: now.
        seed: Another number tells the story with other names and times.
        auto_approve: Whether device codes are granted to the seeded user without anybody typing them in.
        permissions: What the app and the user may do. Default: everything that any operation needs.
        page_size: The largest page that a list answers, to see many pages with few items. Default: the services' own.

    Returns:
        The running sandbox; use it in a ``with`` or ``async with`` statement, or call `close()` at the end.

    Raises:
        InvalidArgumentError: `now` is no time, or has no zone.
        OSError: the port is taken.
    """
    return Sandbox(
        port=port, now=now, seed=seed, auto_approve=auto_approve, permissions=permissions, page_size=page_size
    )


class Sandbox:
    """A running sandbox. Made by `xdrkit.sandbox()`."""

    def __init__(
        self,
        *,
        port: int = 0,
        now: datetime | str | None = None,
        seed: int = 0,
        auto_approve: bool = True,
        permissions: Sequence[str] | None = None,
        page_size: int | None = None,
    ) -> None:
        moment = None if now is None else ticks("now", now, datetime.now(timezone.utc))
        if isinstance(permissions, str):
            raise InvalidArgumentError("permissions: must be a list of names", argument="permissions")
        self._core = _core.Sandbox(
            port=port,
            now=moment,
            seed=seed,
            auto_approve=auto_approve,
            permissions=None if permissions is None else list(permissions),
            page_size=page_size,
        )
        self._identity = self._core.identity

    @property
    def url(self) -> str:
        """The one origin that serves everything, such as ``http://127.0.0.1:40123``."""
        return self._core.url

    @property
    def tenant_id(self) -> str:
        """The fake tenant, a GUID."""
        return self._identity["tenant_id"]

    @property
    def client_id(self) -> str:
        """The fake app, a GUID."""
        return self._identity["client_id"]

    @property
    def identity(self) -> dict[str, str]:
        """Who is there: tenant (id, name, domain), app (id, secret), public app (id), user."""
        return dict(self._identity)

    @property
    def requests(self) -> list[RequestRecord]:
        """What was asked so far, in order."""
        records: Any = self._core.requests()
        return records  # type: ignore[no-any-return]

    def client(self, **options: Any) -> Client:
        """A client in application context. `options` are those of `xdrkit.Client`."""
        return Client(**{**self._app(), **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """An async client in application context. `options` are those of `xdrkit.AsyncClient`."""
        from ._async_client import AsyncClient

        return AsyncClient(**{**self._app(), **options})

    def user_client(self, *, user: str | None = None, **options: Any) -> Client:
        """A client in user context: it signs in by device code and types the code in by itself.

        Args:
            user: Who signs in. Default: the seeded user.
            options: Those of `xdrkit.Client`.
        """
        return Client(**{**self._user(user), **options})

    def async_user_client(self, *, user: str | None = None, **options: Any) -> AsyncClient:
        """An async client in user context: it signs in by device code and types the code in by itself.

        Args:
            user: Who signs in. Default: the seeded user.
            options: Those of `xdrkit.AsyncClient`.
        """
        from ._async_client import AsyncClient

        return AsyncClient(**{**self._user(user), **options})

    def env(self) -> dict[str, str]:
        """Environment variables with which any other program, `xdr` among them, talks to this sandbox."""
        return {
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_SECRET": self._identity["client_secret"],
            "AZURE_AUTHORITY_HOST": self.url,
            "XDRKIT_BASE_URL": self.url,
        }

    def reset(self) -> None:
        """Put the tenant and the record of requests back to how they were at the start."""
        self._core.reset()

    def approve(self, user_code: str, user: str | None = None) -> bool:
        """Grant a device code, as a user who types it in. False if there is no such code."""
        return self._core.approve(user_code, user)

    def deny(self, user_code: str) -> bool:
        """Refuse a device code. False if there is no such code."""
        return self._core.deny(user_code)

    def grant(self, permission: str) -> None:
        """Give the app and the user a permission; tokens issued from now on carry it."""
        self._core.grant(permission)

    def revoke(self, permission: str) -> None:
        """Take a permission from the app and the user; tokens issued from now on lack it."""
        self._core.revoke(permission)

    def fault(
        self,
        *,
        operation: str | None = None,
        path: str | None = None,
        status: int = 500,
        headers: Mapping[str, str] | None = None,
        body: str | Mapping[str, Any] | None = None,
        times: int | None = 1,
        kind: Literal["answer", "reset", "stall", "truncate"] = "answer",
    ) -> None:
        """Make the next requests go wrong.

        Args:
            operation: Only requests for this operation, such as ``"machines.list"``.
            path: Only requests whose path begins so.
            status: The status to answer with.
            headers: Headers to answer with, such as ``{"Retry-After": "1"}``.
            body: The body to answer with; a mapping is sent as JSON.
            times: How many requests. None: all of them, until `reset()`.
            kind: ``"answer"`` as above; ``"reset"`` closes the connection after reading the request; ``"stall"`` never
                answers; ``"truncate"`` cuts the answer off.
        """
        if body is not None and not isinstance(body, str):
            import json

            body = json.dumps(dict(body))
        options: dict[str, Any] = {"operation": operation, "path": path, "body": body, "times": times}
        self._core.fault(
            status=status,
            kind=kind,
            headers=[(str(name), str(value)) for name, value in (headers or {}).items()],
            **{name: value for name, value in options.items() if value is not None},
        )

    def close(self) -> None:
        """Stop it. Stopping twice is fine."""
        self._core.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sandbox {self.url} tenant={self.tenant_id}>"

    def _where(self) -> dict[str, Any]:
        return {"poll_interval": _POLL, "tenant_id": self.tenant_id, "base_url": self.url, "authority": self.url}

    def _app(self) -> dict[str, Any]:
        return {**self._where(), "client_id": self.client_id, "client_secret": self._identity["client_secret"]}

    def _user(self, user: str | None) -> dict[str, Any]:
        def type_in(code: DeviceCode) -> None:
            self.approve(code.user_code, user)

        credential = DeviceCodeCredential(
            self.tenant_id, self._identity["public_client_id"], prompt=type_in, authority=self.url
        )
        return {**self._where(), "credential": credential}
