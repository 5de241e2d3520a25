"""A fake tenant in this process: Entra ID and the three services on loopback, with a seeded intrusion to hunt for.

Everything goes over real HTTP, so what works here works on a tenant; and nothing leaves the computer.
"""

from __future__ import annotations

from . import _core
from ._client import Client
from ._sandbox_data import Data, read_world
from ._sandbox_data import engine as _engine
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType
    from typing import Any, Literal, TypedDict

    from typing_extensions import Self

    from ._async_client import AsyncClient
    from ._sandbox_clock import Clock
    from ._sandbox_data import Context
    from ._sandbox_faults import Faults, Kind
    from ._sandbox_requests import Requests
    from .credentials import DeviceCode

    class TokenRequest(TypedDict):
        """One sign-in request as it was sent, without its ``Authorization`` header."""

        method: str
        path: str
        query: dict[str, str]
        headers: dict[str, str]
        form: dict[str, str]

    Platform = Literal[
        "imds", "app-service", "automation", "automation-hybrid", "azure-ml", "arc", "arc-old", "cloud-shell"
    ]
    ExpiresOn = Literal["epoch", "number", "spaced", "rfc3339", "american", "american-12h", "absent", "nothing"]


__all__ = ["Sandbox", "sandbox"]


# Seconds between two looks at an action that ends within two looks.
_POLL = 0.05


def sandbox(
    *,
    world: Literal["intrusion", "empty", "large"] | str | os.PathLike[str] = "intrusion",
    machines: int | None = None,
    days: int = 30,
    engine: Literal["builtin", "canned"] | Callable[[str, Context], Any] = "builtin",
    port: int = 0,
    now: datetime | str | None = None,
    seed: int = 0,
    auto_approve: bool = True,
    permissions: Sequence[str] | None = None,
    page_size: int | None = None,
    tls: bool = False,
    token_lifetime: int | None = None,
    refresh_in: int | None = None,
    rotate_strictly: bool = False,
    strict_assertions: bool = False,
    public_flows: bool = True,
    mfa_users: Sequence[str] = (),
    federated_domain: str | None = None,
    record_forms: bool = False,
    export_rows: int | None = None,
    older_alerts: int = 0,
    graph_links: Literal["token", "skip"] = "token",
    expand_fails: bool = False,
    quotas: bool = False,
    quirks: Literal["observed", "documented"] | Mapping[str, bool] = "observed",
    limits: Mapping[str, float | None] | None = None,
) -> Sandbox:
    """Start a sandbox: a fake Entra ID and Defender tenant on 127.0.0.1, within 50 ms.

    Args:
        world: What the tenant is seeded with. ``"intrusion"``: a company of 40 machines, its everyday life and one
            intrusion. ``"empty"``: an app and an analyst; every table, and nothing in it. ``"large"``: the intrusion,
            hidden in 1,000,000 rows of telemetry of 2,000 machines. Or the path of a file that `Sandbox.dump` wrote.
        machines: How many machines there are, the story's own 40 among them. Default: as many as the world has.
        days: How many days everyday life goes back, up to 30. The incidents are told whole.
        engine: What answers queries: the engine that is built in; ``"canned"``: nothing but `Sandbox.add_answer`; or a function
            of the query and a `Context`, which returns rows (a list of dicts, or anything that speaks Arrow).
        port: The port. Default: a free one.
        now: The moment at which the seeded story ends: an aware datetime or ISO 8601 text with its zone. Default: now.
        seed: Another number tells the story with other names and times.
        auto_approve: Whether people sign in by themselves: device codes are granted to the seeded user without anybody
            typing them in, and the sign-in page sends the browser back at once.
        permissions: What the app and the user may do. Default: everything that any operation needs.
        page_size: The largest page that a list answers, to see many pages with few items. Default: the services' own.
        tls: Whether it speaks https, on ``localhost``, with a certificate of its own authority (`Sandbox.ca_file`).
        token_lifetime: Seconds that tokens live. Default: an hour, and a day for managed identities.
        refresh_in: Seconds after which answers ask that a token be renewed. Default: they do not say.
        rotate_strictly: Whether a refresh token is good once, and using an old one ends all that came from the same
            sign-in. Entra lets old ones be.
        strict_assertions: Whether each client assertion is good once. Entra lets them be presented again.
        public_flows: Whether people may sign in by device code and password ("Allow public client flows").
        mfa_users: Who cannot sign in with a password alone: user principal names.
        federated_domain: A domain whose people sign in elsewhere.
        record_forms: Whether sign-in requests are kept whole, with their secrets, in `Sandbox.token_requests`.
        export_rows: How many rows each export has, in pages and files; they are made when they are asked for. Default:
            those of the tenant's machines.
        older_alerts: How many resolved alerts from before the story there are, each in an incident of its own, five at
            a moment.
        graph_links: How Graph's lists go on: with ``"token"`` to the end, with ``"skip"`` to where the service skips no
            further.
        expand_fails: Whether listing Graph's incidents with their alerts (``$expand``) fails with 500, as it does for
            large tenants.
        quotas: Whether calls beyond the documented ones a minute and an hour are refused with 429, by the sandbox's clock
            (`Sandbox.quotas`).
        quirks: Where the services do otherwise than is documented: ``"observed"`` does as they do, ``"documented"`` as
            their pages say, and a mapping switches single ones over what is observed (`Sandbox.quirks` has their names).
        limits: How much a hunt may bring: ``rows`` (more are cut, as the services do), ``bytes`` (more are refused with
            400), ``seconds`` (longer ones are refused with 504) and ``days`` to look back. Default: the services' own.

    Returns:
        The running sandbox; use it in a ``with`` or ``async with`` statement, or call `close()` at the end.

    Raises:
        InvalidArgumentError: `world`, `machines`, `days` or `engine` is not allowed; `now` is no time, or has no zone; a list of
            names is one text; a permission, a quirk or a limit is unknown.
        OSError: the port is taken.
    """
    for name, names in (("permissions", permissions), ("mfa_users", mfa_users)):
        if isinstance(names, str):
            raise InvalidArgumentError(f"{name}: must be a list of names", argument=name)
    moment = None
    if now is not None:
        from datetime import datetime, timezone

        from ._time import ticks

        moment = ticks("now", now, datetime.now(timezone.utc))
    running: list[_core.Sandbox] = []
    core = _core.Sandbox(
        **_world(world, machines, days),
        engine=engine if isinstance(engine, str) else _engine(engine, lambda: running[0]),
        machines=machines,
        days=days,
        port=port,
        now=moment,
        seed=seed,
        auto_approve=auto_approve,
        permissions=None if permissions is None else list(permissions),
        page_size=page_size,
        tls=tls,
        token_lifetime=token_lifetime,
        refresh_in=refresh_in,
        rotate_strictly=rotate_strictly,
        strict_assertions=strict_assertions,
        public_flows=public_flows,
        mfa_users=list(mfa_users),
        federated_domain=federated_domain,
        record_forms=record_forms,
        export_rows=export_rows,
        older_alerts=older_alerts,
        graph_links=graph_links,
        expand_fails=expand_fails,
        quotas=quotas,
        quirks=quirks if isinstance(quirks, str) else dict(quirks),
        limits=None if limits is None else dict(limits),
    )
    running.append(core)
    return Sandbox(core)


def _world(world: str | os.PathLike[str], machines: int | None, days: int) -> dict[str, str]:
    """A world by its name, or the document of a file."""
    text = isinstance(world, str) and not any(mark in world for mark in "./\\")
    if text:
        return {"world": str(world)}
    import json

    if machines is not None or days != 30:
        name = "days" if machines is None else "machines"
        raise InvalidArgumentError(f"{name}: a world of a file has its own", argument=name)
    return {"document": json.dumps(read_world(world))}


class Sandbox(Data):
    """A running sandbox. Made by `xdrkit.sandbox()`."""

    def __init__(self, core: _core.Sandbox) -> None:
        self._core = core
        self._identity = core.identity

    @property
    def url(self) -> str:
        """The one origin that serves everything: ``http://127.0.0.1:40123``, or ``https://localhost:40123`` with TLS."""
        return self._core.url

    @property
    def http_url(self) -> str:
        """The same without TLS, where managed identities get their tokens; without TLS the same as `url`."""
        return self._core.http_url

    @property
    def ca_file(self) -> str | None:
        """The certificate to trust, a PEM file that goes when the sandbox stops. None without TLS."""
        return self._core.ca_file

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
        """Who is there: tenant (id, name, domain), app (id, secret), public app (id), user (name, password), managed identity (ids)."""
        return dict(self._identity)

    @property
    def requests(self) -> Requests:
        """What was asked so far, in order: at most the last 100,000, with 64 MiB of bodies."""
        from ._sandbox_requests import Requests

        records: Any = self._core.requests()
        return Requests(self._core, records)

    @property
    def clock(self) -> Clock:
        """The sandbox's own time, to push on."""
        from ._sandbox_clock import Clock

        return Clock(self._core)

    @property
    def faults(self) -> Faults:
        """What goes wrong, as a plan."""
        from ._sandbox_faults import Faults

        return Faults(self._core)

    @property
    def token_requests(self) -> list[TokenRequest]:
        """Sign-in requests with all that they carried, in order. Empty unless started with ``record_forms=True``."""
        records: Any = self._core.token_requests()
        return records  # type: ignore[no-any-return]

    def client(self, *, clock: Literal["real", "sandbox"] = "real", **options: Any) -> Client:
        """A client in application context.

        Args:
            clock: Whose time the client waits by. With ``"sandbox"`` its waits (for `Retry-After`, between looks at an action,
                for its quotas) take no real time: they push the sandbox's time on.
            options: Those of `xdrkit.Client`.
        """
        return Client(**{**self._app(), **self._time(clock), **options})

    def async_client(self, *, clock: Literal["real", "sandbox"] = "real", **options: Any) -> AsyncClient:
        """An async client in application context.

        Args:
            clock: Whose time the client waits by; see `client`.
            options: Those of `xdrkit.AsyncClient`.
        """
        from ._async_client import AsyncClient

        return AsyncClient(**{**self._app(), **self._time(clock), **options})

    def user_client(
        self, *, user: str | None = None, clock: Literal["real", "sandbox"] = "real", **options: Any
    ) -> Client:
        """A client in user context: it signs in by device code and types the code in by itself.

        Args:
            user: Who signs in. Default: the seeded user.
            clock: Whose time the client waits by; see `client`.
            options: Those of `xdrkit.Client`.
        """
        return Client(**{**self._user(user), **self._time(clock), **options})

    def async_user_client(
        self, *, user: str | None = None, clock: Literal["real", "sandbox"] = "real", **options: Any
    ) -> AsyncClient:
        """An async client in user context: it signs in by device code and types the code in by itself.

        Args:
            user: Who signs in. Default: the seeded user.
            clock: Whose time the client waits by; see `client`.
            options: Those of `xdrkit.AsyncClient`.
        """
        from ._async_client import AsyncClient

        return AsyncClient(**{**self._user(user), **self._time(clock), **options})

    def env(self) -> dict[str, str]:
        """Environment variables with which any other program, `xdr` among them, talks to this sandbox."""
        return {
            "AZURE_TENANT_ID": self.tenant_id,
            "AZURE_CLIENT_ID": self.client_id,
            "AZURE_CLIENT_SECRET": self._identity["client_secret"],
            "AZURE_AUTHORITY_HOST": self.url,
            "XDRKIT_BASE_URL": self.url,
            **({} if self.ca_file is None else {"SSL_CERT_FILE": self.ca_file}),
        }

    def managed_identity(self, platform: Platform, *, expires_on: ExpiresOn = "epoch") -> dict[str, str]:
        """Environment variables with which a program finds a managed identity here.

        Args:
            platform: Where the program believes to run. ``"arc-old"`` is an agent that knows no user-assigned
                identities and answers with the machine's own.
            expires_on: How the answer says when the token ends: ``"spaced"`` is ``2021-07-02 08:00:34Z``,
                ``"american"`` is ``06/20/2019 02:57:58 +00:00``, ``"absent"`` leaves ``expires_in`` alone and
                ``"nothing"`` not even that.
        """
        return self._core.managed_identity(platform, expires_on)

    def register_certificate(self, certificate: str | bytes | os.PathLike[str]) -> str:
        """Let the app sign in with the key of a certificate.

        Args:
            certificate: PEM text, or the path of a PEM file. What else is in it, such as the key, is not looked at.

        Returns:
            The SHA-1 thumbprint in hexadecimal digits, as the portal shows it.
        """
        from pathlib import Path

        if isinstance(certificate, bytes):
            text = certificate.decode("ascii", "replace")
        elif isinstance(certificate, str) and "-----BEGIN" in certificate:
            text = certificate
        else:
            text = Path(certificate).read_text(encoding="ascii", errors="replace")
        return self._core.register_certificate(text)

    def federated_token(
        self,
        subject: str = "system:serviceaccount:hunting:hunter",
        *,
        audience: str = "api://AzureADTokenExchange",
        lifetime: int = 3600,
        trusted: bool = True,
    ) -> str:
        """A token of a made-up platform, which the app may present instead of a secret (workload identity federation).

        Args:
            subject: Whose token it is on that platform.
            audience: For whom it is; the sandbox takes only the default.
            lifetime: Seconds that it is good.
            trusted: Whether the app has a federated credential for this subject from now on.
        """
        return self._core.federated_token(subject, audience, lifetime, trusted)

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

    def revoke_sessions(self, *, refresh_tokens: bool = False) -> None:
        """End every access token that was given out.

        Calls with one of them are refused with 401; clients that said they understand (``xms_cc: CP1``) are told the
        claims to ask the next token with.

        Args:
            refresh_tokens: Whether refresh tokens end, too, so that people must sign in again.
        """
        self._core.revoke_sessions(refresh_tokens)

    def require_mfa(self, user: str) -> bool:
        """From now on `user` cannot sign in with a password alone, nor be acted for. False if there is no such person."""
        return self._core.require_mfa(user)

    def advance(self, seconds: float | str | timedelta) -> None:
        """Let the sandbox's time pass: the same as ``clock.advance()``."""
        self.clock.advance(seconds)

    @property
    def quotas(self) -> bool:
        """Whether calls beyond the documented ones a minute and an hour are refused with 429. May be set."""
        return self._core.quotas

    @quotas.setter
    def quotas(self, keep: bool) -> None:
        self._core.quotas = keep

    @property
    def cpu_quota_used(self) -> float:
        """How much of the tenant's CPU quota for hunting on Graph and XDR is used. May be set.

        1.0 is all of it: hunts are refused until the next quarter of an hour of the sandbox's clock, when it is 0 again.
        """
        return self._core.cpu_quota_used

    @cpu_quota_used.setter
    def cpu_quota_used(self, share: float) -> None:
        self._core.cpu_quota_used = share

    @property
    def run_time_used(self) -> float:
        """Seconds that queries ran within the last hour on the Endpoint service, which takes 600 an hour and 10,800 a day."""
        return self._core.run_time_used

    def use_run_time(self, seconds: float) -> None:
        """Let queries of somebody else have run on the Endpoint service just now."""
        self._core.use_run_time(seconds)

    @property
    def execution_time(self) -> float | None:
        """Seconds that each query says that it ran, on the services that say it. None: as long as it did. May be set."""
        return self._core.execution_time

    @execution_time.setter
    def execution_time(self, seconds: float | None) -> None:
        self._core.execution_time = seconds

    @property
    def limits(self) -> dict[str, float | None]:
        """How much a hunt may bring and how long it may take; see `sandbox`. None: the service's own. May be set, in parts."""
        return self._core.limits

    @limits.setter
    def limits(self, limits: Mapping[str, float | None]) -> None:
        self._core.set_limits(dict(limits))

    @property
    def quirks(self) -> dict[str, bool]:
        """Where the services do otherwise than is documented, and whether this sandbox does so, too."""
        return {name: on for name, on, _, _ in self._core.quirks()}

    def fault(
        self,
        *,
        operation: str | None = None,
        path: str | None = None,
        status: int = 500,
        headers: Mapping[str, str] | None = None,
        body: str | Mapping[str, Any] | None = None,
        times: int | None = 1,
        kind: Kind = "answer",
    ) -> None:
        """Make the next requests go wrong: ``faults.add()`` in fewer words.

        Args:
            operation: Only requests for this operation, such as ``"machines.list"``.
            path: Only requests whose path begins so.
            status: The status to answer with.
            headers: Headers to answer with, such as ``{"Retry-After": "1"}``.
            body: The body to answer with; a mapping is sent as JSON.
            times: How many requests. None: all of them, until `reset()`.
            kind: As `Faults.add` has it.
        """
        answer: dict[str, Any] = {"status": status, "headers": headers, "body": body} if kind == "answer" else {}
        self.faults.add(match=operation, path=path, times=times, kind=kind, **answer)

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

    def _time(self, clock: str) -> dict[str, Any]:
        if clock not in ("real", "sandbox"):
            raise InvalidArgumentError(f'clock: {clock!r} is not allowed; it is "real" or "sandbox"', argument="clock")
        return {"_virtual_clock": self._core} if clock == "sandbox" else {}

    def _where(self) -> dict[str, Any]:
        return {"poll_interval": _POLL, "tenant_id": self.tenant_id, "base_url": self.url, **self._trust()}

    def _trust(self) -> dict[str, Any]:
        return {} if self.ca_file is None else {"ca_bundle": self.ca_file}

    def _app(self) -> dict[str, Any]:
        app = {"client_id": self.client_id, "client_secret": self._identity["client_secret"], "authority": self.url}
        return {**self._where(), **app}

    def _user(self, user: str | None) -> dict[str, Any]:
        from .credentials import DeviceCodeCredential

        def type_in(code: DeviceCode) -> None:
            self.approve(code.user_code, user)

        credential = DeviceCodeCredential(
            self.tenant_id,
            self._identity["public_client_id"],
            prompt=type_in,
            authority=self.url,
            **self._trust(),
        )
        return {**self._where(), "credential": credential}
