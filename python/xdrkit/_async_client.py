"""The client whose calls are coroutines. Cancelling one drops its request."""

from __future__ import annotations

from ._base import ClientBase, hunt_options, request_options
from ._generated.aio import AsyncResources
from ._resources import AsyncResource
from .results import HuntResult

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ._base import Api, Service
    from ._resources import Seconds
    from ._time import Moment

__all__ = ["AsyncClient"]


class AsyncClient(ClientBase, AsyncResources):
    """Hunt and respond with Microsoft Defender XDR and Defender for Endpoint.

    Its methods are those of `Client`, as coroutines; lists are read with ``async for``. Use it in an ``async with``
    statement, or await `aclose()` at the end::

        async with xdrkit.AsyncClient(tenant_id, client_id, client_secret) as client:
            for row in await client.hunt("DeviceProcessEvents | take 5", since="7d"):
                print(row["Timestamp"], row["DeviceName"])
            async for incident in client.incidents.list(filter="status eq 'Active'"):
                print(incident["incidentName"])
    """

    _is_async = True

    async def hunt(
        self,
        query: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        timespan: timedelta | str | None = None,
        api: Api = "auto",
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        parse_dates: bool = False,
    ) -> HuntResult:
        """Run an advanced hunting query.

        Args:
            query: KQL text.
            since: The window's first moment: an aware datetime, a date (midnight UTC), ISO 8601 text with its zone, or
                how long ago: text like ``"7d"``, ``"24h"``, ``"30m"``, or a timedelta. Default: the service's, 30 days
                ago.
            until: The first moment after the window, in the same forms. Default: now.
            timespan: The window as ISO 8601 text, such as ``"P7D"`` or ``"start/end"``, or a timedelta, instead of
                `since` and `until`.
            api: ``"graph"``, ``"xdr"`` or ``"endpoint"``; ``"auto"`` takes Graph where the token allows it and else
                another, which `HuntResult.api` names.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for the whole call. Default: the client's.
            parse_dates: Whether rows hold aware datetimes (six digits) instead of ISO 8601 text (seven digits).

        Returns:
            The rows, with what is known about them.

        Raises:
            InvalidArgumentError: the query is empty, or a time is naive or the window reversed; nothing was sent.
            QueryError: the service refuses the query.
            PermissionDeniedError: the token lacks the permission to hunt; `missing` names it.
            ThrottledError: the quota is used up.

        Warns:
            TruncatedResultWarning: rows are missing; `HuntResult.truncated` says why.
            LegacyHuntingWarning: one of the two services answered whose hunting ends on 2027-02-01.
        """
        table = await self._core.hunt_async(query, hunt_options(since, until, timespan, api, timeout, deadline))
        return HuntResult._finished(table, parse_dates=parse_dates)

    async def call(
        self,
        operation: str,
        /,
        *,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        **arguments: Any,
    ) -> Any:
        """Call any declared operation by its id; `xdrkit.operations()` lists them.

        Args:
            operation: Such as ``"machines.isolate"``.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for the whole call. Default: the client's.
            arguments: The operation's arguments by their Python names. None means "leave it out".

        Returns:
            The answer's body as the service sent it; for a list, its first page.

        Raises:
            UnknownOperationError: there is no such operation; nothing was sent.
            InvalidArgumentError: an argument is missing, misspelt or wrong; nothing was sent.
            ApiError: the service answered, and not with success.
        """
        resource = AsyncResource(self._core, self._policy)
        return await resource._call(operation, arguments, timeout=timeout, deadline=deadline)

    async def request(
        self,
        method: str,
        path: str,
        *,
        service: Service = "endpoint",
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
    ) -> Any:
        """Send any request, signed in; for what has no method yet.

        Args:
            method: ``"GET"``, ``"POST"``, …
            path: Relative to the service's base URL, such as ``"/api/machines"``; or a whole URL on one of the client's
                hosts.
            service: ``"endpoint"``, ``"xdr"`` or ``"graph"``: whose token goes with it.
            params: The query string, by name.
            json: The body.
            headers: More headers.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for the whole call. Default: the client's.

        Returns:
            The decoded JSON body, None if there is none, or bytes if it is no JSON.

        Raises:
            InvalidArgumentError: the URL leads to a host that must not be sent the token; nothing was sent.
            ApiError: the service answered, and not with success.
        """
        options = request_options(
            service=service, params=params, json=json, headers=headers, timeout=timeout, deadline=deadline
        )
        return await AsyncResource(self._core, self._policy)._request(method, path, options)

    async def whoami(self, service: Service = "graph") -> dict[str, Any]:
        """Sign in for a service and read what its token says.

        Args:
            service: ``"endpoint"``, ``"xdr"`` or ``"graph"``; each has a token of its own.

        Returns:
            `kind` (``"app"``, ``"user"``, or ``"unknown"`` where the token cannot be read), `tenant_id`, `client_id`,
            `app_name`, `user`, `permissions`, `audience`, `credential`, `expires_on` (seconds since 1970).

        Raises:
            AuthenticationError: sign-in failed.
        """
        return await self._core.whoami_async(service)

    async def require(self, *permissions: str) -> None:
        """Fail now, and say how to mend it, if the tokens lack what a script is going to need.

        Args:
            permissions: Permissions such as ``"Machine.Isolate"``, or operations such as ``"machines.isolate"``, whose least
                permission is then meant. A permission to write includes the one to read.

        Raises:
            PermissionDeniedError: some are missing: `missing` names them, the hint says where an administrator consents. A token
                that cannot be read is not judged.
            InvalidArgumentError: there is no such permission and no such operation; nothing was sent.
        """
        await self._core.require_async(list(permissions))

    async def accounts(self) -> list[dict[str, str]]:
        """Who is signed in or remembered: `username`, `tenant_id`, `home_account_id`, `authority`, `client_id`.

        Empty for an application.
        """
        return await self._core.accounts_async()

    async def sign_out(self, account: str | None = None) -> int:
        """Forget a user and every token, here and in the persistent cache. The next call signs in anew.

        Args:
            account: A user name or a home account id. Default: everybody.

        Returns:
            How many accounts there were.
        """
        return await self._core.sign_out_async(account)

    async def aclose(self) -> None:
        """Close the connections and forget the tokens. Later calls raise `ClosedError`; closing twice is fine."""
        self._core.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()
