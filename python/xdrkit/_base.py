"""What both clients share: how they are made, what they show of themselves, how a hunt's arguments are read."""

from __future__ import annotations

from . import _core
from ._policy import Policy
from ._resources import given

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta
    from typing import Any, Literal, NoReturn, Union

    from typing_extensions import Self

    from ._policy import Plan
    from ._resources import Seconds
    from ._stitched import HuntPlan
    from ._time import Moment
    from .credentials import CredentialLike, PersistentCache

    Service = Literal["endpoint", "xdr", "graph"]
    Api = Literal["auto", "graph", "xdr", "endpoint"]
    # A duration: "30m", "1d", or a timedelta.
    Span = Union[str, timedelta]
    ShortForm = Literal[
        "browser",
        "device-code",
        "paste",
        "managed-identity",
        "workload-identity",
        "azure-cli",
        "azure-developer-cli",
        "azure-powershell",
        "github-actions",
        "azure-pipelines",
        "environment",
        "default",
    ]
    Cloud = Union[Literal["public", "gcc", "gcc-high", "dod"], str]


# The cassette that clients made now record on or play from; see `xdrkit.testing.cassette`.
cassette: Any = None


class ClientBase:
    """Construction, options and display."""

    _core: _core.Client
    _policy: Policy | None = None
    _is_async = False

    def __init__(
        self,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        credential: CredentialLike | ShortForm | None = None,
        cloud: Cloud = "public",
        region: str | None = None,
        base_url: str | Mapping[Service, str] | None = None,
        audience: Mapping[Service, str] | None = None,
        authority: str | None = None,
        additionally_allowed_tenants: Sequence[str] | None = None,
        login_hint: str | None = None,
        cache: PersistentCache | None = None,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        max_retries: int | None = None,
        limits: Mapping[str, int] | Literal["documented", "off"] | bool | None = None,
        ca_bundle: str | os.PathLike[str] | None = None,
        proxy: str | None = None,
        user_agent: str | None = None,
        log: Any = None,
        confirm: Callable[[Plan], Any] | None = None,
        allow_device_groups: Sequence[str] | None = None,
        on_action: Callable[[dict[str, Any]], Any] | str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        **private: Any,
    ) -> None:
        """Make a client. Nothing is sent before the first call; then it signs in by itself.

        What is left out is taken from the environment: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`,
        `AZURE_AUTHORITY_HOST`, `XDRKIT_BASE_URL`, `XDRKIT_CLOUD`. An empty variable counts as absent.

        Args:
            tenant_id: The tenant: a GUID or one of its domains.
            client_id: The app registration's id, a GUID.
            client_secret: The app's secret, its value and not its id.
            credential: Another way to sign in: one of `xdrkit.credentials`, any object with ``get_token(*scopes)``
                (azure-identity has many), or a function that is given a scope and answers a token, or a token and when
                it ends in seconds since 1970; an application of MSAL; or a short form. For a user of the app `client_id`:
                ``"browser"`` (which takes ``"paste"`` by itself in a remote notebook), ``"device-code"``, ``"paste"``. For this
                machine: ``"managed-identity"`` (`client_id` is then a user-assigned one), ``"workload-identity"``,
                ``"github-actions"``, ``"azure-pipelines"``. For a developer: ``"azure-cli"``, ``"azure-developer-cli"``,
                ``"azure-powershell"``. And ``"environment"``, and ``"default"``, which looks for the first that is there and
                never asks anybody.
            cloud: ``"public"``, ``"gcc"``, ``"gcc-high"`` or ``"dod"``.
            region: A region of the public cloud, such as ``"eu"``, whose host is nearer. Default: the global host.
            base_url: Other hosts: one URL for all services, or a dict from service (``"endpoint"``, ``"xdr"``,
                ``"graph"``) to URL. Plain http is for loopback only.
            audience: Other token audiences, from service to audience. Default: the cloud's. It never follows from `base_url`.
            authority: Where to sign in. Default: the cloud's own.
            additionally_allowed_tenants: Other tenants that `for_tenant` may be used for; ``["*"]`` for any.
            login_hint: The user name to fill into the sign-in page, and the account to take from `cache`.
            cache: A `PersistentCache` to remember users between runs. Default: in memory. Applications are never kept.
            timeout: Seconds for one try, a number or a timedelta.
            deadline: Seconds for a whole call with all its tries and waits, a number or a timedelta. Default: no limit.
            max_retries: How often a request may be repeated that is safe to repeat.
            limits: The services' quotas, which a tenant's clients in this process keep together: calls wait for their turn
                instead of being refused. ``"documented"``: as they are documented. A dict from a quota's name to its calls a
                minute, such as ``{"hunting": 100}``, for a tenant that has more. ``"off"``: a call only waits when the
                service says so. Default: documented on the services' own hosts, off elsewhere. See `quota`.
            ca_bundle: A file with the certificates to trust, PEM. Default: the system's.
            proxy: A proxy's URL. Default: `HTTPS_PROXY` and `NO_PROXY`.
            user_agent: Words to put before xdrkit's own in the User-Agent header.
            log: From which level on to tell Python's logger `xdrkit` what happens: ``"debug"``, ``"info"``, ``"warning"`` or
                ``"error"``; or ``"stdout"``, which writes to standard output. Secrets and tokens are never told. Default: nothing.
            confirm: A function that is asked before every call that acts, such as isolating or deleting: it is given a
                `Plan`, which prints as what would be sent, and nothing is sent unless it answers True. In an `AsyncClient` it
                may be a coroutine function. Calls that set a value, such as a tag, are not asked about; other requests than
                reads by `request` are.
            allow_device_groups: Names of device groups: whatever is asked of a machine in another, or in none, is
                refused. The machine is read first to know its group, and what cannot be read is not allowed.
            on_action: Where calls that change something are recorded: a function that is given a dict, or the path of a
                file to append a line of JSON to (made for its owner alone). There are two: `phase` ``"intent"`` before it is
                sent (if that cannot be recorded, nothing is sent) and ``"outcome"`` with the `outcome`: the action's id and
                status, or the error. An intent without an outcome: the program ended in between. ``"refused"`` was not
                sent; ``"found"`` and ``"attached"`` tell what was made of a lost answer or a conflict. Each has `time`,
                `operation`, `effect` (``"acts"`` or ``"changes"``), `id`, `arguments` without secrets, `request`,
                `client_id`, `tenant_id`, `user` and `dry_run`.
            dry_run: Send nothing that changes something: such calls answer a `Plan`, or raise `ActionRefusedError` with the
                `plan` where they would need the answer to go on.
            private: `trust_authority=True` takes a login host that is not Microsoft's. An unknown name is refused.

        Raises:
            ConfigurationError: a setting is missing or cannot be right; the message names it.
        """
        self._policy = Policy.of(confirm, allow_device_groups, on_action, dry_run, is_async=self._is_async)
        self._core = _native(
            given(
                tenant_id=tenant_id,
                client_id=client_id,
                client_secret=client_secret,
                credential=credential,
                cloud=None if cloud == "public" else cloud,
                region=region,
                base_url=base_url if base_url is None or isinstance(base_url, str) else dict(base_url),
                audience=None if audience is None else dict(audience),
                authority=authority,
                additionally_allowed_tenants=additionally_allowed_tenants,
                login_hint=login_hint,
                cache=None if cache is None else cache._options,
                timeout=timeout,
                deadline=deadline,
                max_retries=max_retries,
                limits=limits if limits is None or isinstance(limits, (str, int)) else dict(limits),
                ca_bundle=_text_path(ca_bundle),
                proxy=proxy,
                user_agent=user_agent,
                log=log,
                **private,
            )
        )

    def with_options(
        self, *, timeout: Seconds | None = None, deadline: Seconds | None = None, max_retries: int | None = None
    ) -> Self:
        """The same client with other limits.

        Connections, tokens and counters are shared, and closing one closes both.

        Args:
            timeout: Seconds for one try.
            deadline: Seconds for a whole call.
            max_retries: How often a request may be repeated that is safe to repeat.
        """
        other = type(self).__new__(type(self))
        other._core = self._core.with_options(given(timeout=timeout, deadline=deadline, max_retries=max_retries))
        other._policy = self._policy
        return other

    def for_tenant(self, tenant_id: str) -> Self:
        """The same credential at work in another tenant.

        Connections are shared; tokens and throttling are kept apart. Closing one leaves the other open.

        Args:
            tenant_id: The tenant: a GUID or one of its domains. It has to be one of `additionally_allowed_tenants`.

        Raises:
            InvalidArgumentError: the credential may not sign in to that tenant; nothing was sent.
        """
        other = type(self).__new__(type(self))
        other._core = self._core.for_tenant(tenant_id)
        other._policy = self._policy
        return other

    @property
    def stats(self) -> dict[str, Any]:
        """Counters: `requests`, `retries`, `throttled_seconds` (waits for quotas), `token_requests`, `bytes_received`."""
        return self._core.stats

    def quota(self) -> list[dict[str, Any]]:
        """What is known of the services' quotas. Nobody is asked.

        All clients of this process that sign in to the same tenant share them; what other programs use is not in it.

        Returns:
            A dict for each quota of hunting and each other that this client has used: `service` and `name`; `per_minute`
            and `per_hour`, the calls that this client keeps to, or None; `used_minute` and `used_hour`; `free_now`, the calls
            that need not wait, or None where there is no limit; `next_free_in`, seconds; `waiting`, calls that stand in line;
            `closed_for`, seconds that the service asked to wait; `run_time_used_hour` and `run_time_used_day`, seconds that
            queries ran, where that is limited, else None.
        """
        return self._core.quota()

    @property
    def tenant_id(self) -> str | None:
        """The tenant that the client signs in to, if it knows."""
        return self._core.tenant_id

    @property
    def client_id(self) -> str | None:
        """The app that the client signs in as, if it knows."""
        return self._core.client_id

    @property
    def cloud(self) -> str:
        """The national cloud."""
        return self._core.cloud

    @property
    def base_urls(self) -> dict[str, str]:
        """Where each service is: service to URL."""
        return self._core.base_urls

    def hunt_plan(
        self,
        query: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        around: Moment | None = None,
        window: Span | tuple[Span, Span] | None = None,
        params: Mapping[str, Any] | None = None,
        split: Span | int | None = None,
        split_by: str | None = None,
        merge: str | bool | None = None,
        api: Api = "auto",
    ) -> HuntPlan:
        """What `hunt` with the same arguments would ask for, and how long the quotas make it wait. Nothing is sent.

        Args:
            query: KQL text.
            since: The window's first moment, as for `hunt`.
            until: The first moment after the window.
            around: A moment to look around, instead of `since` and `until`,
            window: and how far to either side.
            params: Values for names that the query uses.
            split: How long each piece of the window is, or ``"auto"``; with `split_by` the number of parts.
            split_by: A column by whose hash to split instead.
            merge: What makes one answer of the pieces.
            api: ``"graph"``, ``"xdr"``, ``"endpoint"`` or ``"auto"``, which is taken for Graph.

        Returns:
            The windows, which print as "31 windows, about 2 min".

        Raises:
            InvalidArgumentError: an argument is wrong, or splitting would change what the query means.
        """
        from ._asked import ask
        from ._hunting import plan

        asked = ask(
            query,
            since=since,
            until=until,
            around=around,
            window=window,
            params=params,
            split=split,
            split_by=split_by,
            merge=merge,
            api=api,
        )
        return plan(self._core, asked)

    def __repr__(self) -> str:
        app = f" app={self.client_id}" if self.client_id else ""
        tenant = f" tenant={self.tenant_id}" if self.tenant_id else ""
        return f"<{type(self).__name__}{tenant}{app} cloud={self.cloud}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} is not pickled, since a secret would go with it: make a new one in the other process"
        )


def _native(options: dict[str, Any]) -> _core.Client:
    playing = cassette
    if playing is not None:
        options = playing.options(options)
    if options.get("credential") is not None:
        from .credentials import native

        options["credential"] = native(options["credential"])
    made = _core.Client(**options)
    if playing is not None:
        playing.client_made(made.base_urls)
    return made


def hunt_options(
    since: Moment | None,
    until: Moment | None,
    timespan: timedelta | str | None,
    api: str,
    timeout: Seconds | None,
    deadline: Seconds | None,
) -> dict[str, Any]:
    """A hunt's arguments in the form that Rust takes. Pure but for the clock behind "7d"."""
    from ._time import span, window

    begin, end = window(since, until)
    return given(since=begin, until=end, timespan=span(timespan), api=api, timeout=timeout, deadline=deadline)


def request_options(**options: Any) -> dict[str, Any]:
    """A plain request's arguments in the form that Rust takes: mappings as dicts."""
    chosen = given(**options)
    for name in ("params", "headers"):
        if name in chosen and not isinstance(chosen[name], dict):
            chosen[name] = dict(chosen[name])
    return chosen


def _text_path(path: str | os.PathLike[str] | None) -> str | None:
    import os

    return None if path is None else os.fspath(path)
