"""The client whose calls block.

It blocks in Rust with the interpreter's lock released, so it also works inside a running event loop.
"""

from __future__ import annotations

from ._base import ClientBase, hunt_options, request_options
from ._generated.sync import Resources
from ._resources import Resource
from .results import HuntResult

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType
    from typing import Any, Literal

    from typing_extensions import Self

    from ._base import Api, Service, Span
    from ._cache import HuntCache
    from ._resources import Seconds
    from ._schema import Schema
    from ._time import Moment

__all__ = ["Client"]


class Client(ClientBase, Resources):
    """Hunt and respond with Microsoft Defender XDR and Defender for Endpoint.

    Can be shared between threads. Use it in a ``with`` statement, or call `close()` at the end::

        with xdrkit.Client(tenant_id, client_id, client_secret) as client:
            for row in client.hunt("DeviceProcessEvents | take 5", since="7d"):
                print(row["Timestamp"], row["DeviceName"])
    """

    def hunt(
        self,
        query: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        around: Moment | None = None,
        window: Span | tuple[Span, Span] | None = None,
        timespan: timedelta | str | None = None,
        params: Mapping[str, Any] | None = None,
        split: Span | int | None = None,
        split_by: str | None = None,
        merge: str | bool | None = None,
        floor: Span = "1m",
        on_error: Literal["raise", "collect"] = "raise",
        concurrency: int = 3,
        progress: Callable[[int, int, int], Any] | None = None,
        cache: HuntCache | str | os.PathLike[str] | None = None,
        api: Api = "auto",
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        parse_dates: bool = False,
    ) -> HuntResult:
        """Run an advanced hunting query.

        One call answers at most 100,000 rows, on Graph at most 50 MB. With `split` the window is asked for in pieces, and a piece
        that reaches one of these limits, or takes the service too long, is halved: each row comes once.

        Args:
            query: KQL text.
            since: The window's first moment: an aware datetime, a date (midnight UTC), ISO 8601 text with its zone, or
                how long ago: text like ``"7d"``, ``"24h"``, ``"30m"``, or a timedelta. Default: the service's, 30 days
                ago.
            until: The first moment after the window, in the same forms. Default: now.
            around: A moment to look around, instead of `since` and `until`,
            window: and how far to either side: ``"30m"``, a timedelta, or two of them for before and after.
            timespan: The window as ISO 8601 text, such as ``"P7D"`` or ``"start/end"``, or a timedelta, instead of
                `since` and `until`.
            params: Values for names that the query uses: each becomes a ``let`` in front of it, and is a value whatever it
                holds. str, bool, int, float, Decimal, aware datetime, date, timedelta, UUID, None, lists and dicts
                (dynamic), or a table: a `HuntResult`, a data frame or an Arrow table.
            split: How long each piece of the window is: ``"1d"``, a timedelta; or ``"auto"``, which begins with the
                whole and halves what is too large. It needs `since`. With `split_by` it is a number of parts.
            split_by: A column by whose hash to split instead, so that all rows of one value are in the same part.
            merge: Where pieces are not simply put one behind the other: KQL that is run here on the rows of all of them,
                such as ``"summarize n = sum(n) by DeviceName"``; True for the one that xdrkit knows to be exact;
                ``"append"`` to put them one behind the other all the same.
            floor: The shortest piece that is halved no more: its rows are kept, and `HuntResult.truncated` names it.
            on_error: What to do when pieces fail, also when they are tried again: ``"raise"``, or ``"collect"``, which
                gives the others with a warning; `HuntResult.missing` names the windows that are not in it.
            concurrency: How many pieces are asked for at a time.
            progress: A function that is told the pieces that are done, all pieces, and the rows so far.
            cache: A folder, or a `HuntCache`, where answers are kept and looked up. Default: none.
            api: ``"graph"``, ``"xdr"`` or ``"endpoint"``; ``"auto"`` takes Graph where the token allows it and else
                another, which `HuntResult.api` names.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for the whole call, with all pieces. Default: the client's, for each piece.
            parse_dates: Whether rows hold aware datetimes (six digits) instead of ISO 8601 text (seven digits).

        Returns:
            The rows, with what is known about them; of a split in the order of its pieces.

        Raises:
            InvalidArgumentError: the query is empty, a time is naive, the window reversed, or splitting would change what
                the query means; nothing was sent.
            QueryError: the service refuses the query.
            PartialResultError: pieces of a split failed: `partial` has the rows of the others, `missing` their windows.
            PermissionDeniedError: the token lacks the permission to hunt; `missing` names it.
            ThrottledError: the quota is used up.

        Warns:
            TruncatedResultWarning: rows are missing; `HuntResult.truncated` says why.
            PartialResultWarning: pieces are missing; `HuntResult.missing` says which.
            LegacyHuntingWarning: one of the two services answered whose hunting ends on 2027-02-01.
        """
        if (
            params is None
            and split is None
            and split_by is None
            and merge is None
            and cache is None
            and around is window is None
        ):
            table = self._core.hunt(query, hunt_options(since, until, timespan, api, timeout, deadline))
            return HuntResult._finished(table, parse_dates=parse_dates)
        from ._asked import ask
        from ._flow import run
        from ._hunting import hunt

        asked = ask(
            query,
            since=since,
            until=until,
            around=around,
            window=window,
            timespan=timespan,
            params=params,
            split=split,
            split_by=split_by,
            merge=merge,
            floor=floor,
            on_error=on_error,
            concurrency=concurrency,
            progress=progress,
            cache=cache,
            api=api,
            timeout=timeout,
            deadline=deadline,
            parse_dates=parse_dates,
        )
        return run(self._core, hunt(self._core, asked))

    def hunt_iter(
        self,
        query: str,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        around: Moment | None = None,
        window: Span | tuple[Span, Span] | None = None,
        timespan: timedelta | str | None = None,
        params: Mapping[str, Any] | None = None,
        split: Span | int | None = None,
        split_by: str | None = None,
        merge: Literal["append"] | None = None,
        floor: Span = "1m",
        concurrency: int = 3,
        progress: Callable[[int, int, int], Any] | None = None,
        batch_rows: int = 10_000,
        api: Api = "auto",
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        parse_dates: bool = False,
    ) -> Iterator[HuntResult]:
        """Read what a query finds in batches, as it arrives: for more rows than memory holds.

        Without `split` it is one call, whose rows are given while the answer is still coming. With it the pieces come in order, each only
        when it is known to be complete, and at most `concurrency` of them are in memory. No row is given twice. Closing the
        iterator drops what is under way.

        Args:
            query: KQL text.
            since: The window's first moment, as for `hunt`.
            until: The first moment after the window.
            around: A moment to look around, instead of `since` and `until`,
            window: and how far to either side.
            timespan: The window as ISO 8601 text or a timedelta, instead of `since` and `until`.
            params: Values for names that the query uses.
            split: How long each piece of the window is, or ``"auto"``; with `split_by` the number of parts.
            split_by: A column by whose hash to split instead.
            merge: ``"append"`` puts the pieces one behind the other also where that means something else than the query
                alone.
            floor: The shortest piece that is halved no more.
            concurrency: How many pieces are asked for at a time, and held at most.
            progress: A function that is told the pieces that were given, all pieces, and the rows so far.
            batch_rows: How many rows a batch has at most.
            api: ``"graph"``, ``"xdr"``, ``"endpoint"`` or ``"auto"``.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for the whole. Default: the client's, for each piece.
            parse_dates: Whether rows hold aware datetimes instead of ISO 8601 text.

        Returns:
            An iterator of results with at most `batch_rows` rows each.

        Raises:
            InvalidArgumentError: an argument is wrong, or splitting would change what the query means; nothing was sent.
            PartialResultError: it broke off after rows were given; `resume` is the `since` for the rest.
            QueryError: the service refuses the query.

        Warns:
            TruncatedResultWarning: rows are missing.
            LegacyHuntingWarning: one of the two services answered whose hunting ends on 2027-02-01.
        """
        from ._asked import ask
        from ._flow import iterate
        from ._hunting import stream

        asked = ask(
            query,
            since=since,
            until=until,
            around=around,
            window=window,
            timespan=timespan,
            params=params,
            split=split,
            split_by=split_by,
            merge=merge,
            floor=floor,
            concurrency=concurrency,
            progress=progress,
            api=api,
            timeout=timeout,
            deadline=deadline,
            parse_dates=parse_dates,
            as_stream=True,
        )
        return iterate(self._core, stream(self._core, asked, batch_rows))

    def hunt_many(
        self,
        queries: Mapping[str, str | Mapping[str, Any]],
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        timespan: timedelta | str | None = None,
        concurrency: int = 4,
        on_error: Literal["raise", "collect"] = "raise",
        progress: Callable[[int, int, int], Any] | None = None,
        cache: HuntCache | str | os.PathLike[str] | None = None,
        api: Api = "auto",
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
        parse_dates: bool = False,
    ) -> dict[str, Any]:
        """Run several hunting queries side by side.

        Args:
            queries: From a name of yours to KQL text, or to a dict with `query` and any of `hunt`'s arguments, which go before
                those given here.
            since: The window's first moment, as for `hunt`.
            until: The first moment after the window.
            timespan: The window as ISO 8601 text or a timedelta, instead of `since` and `until`.
            concurrency: How many run at a time.
            on_error: ``"raise"``, once all have run; or ``"collect"``, which puts the error in the result's place.
            progress: A function that is told how many are done, how many there are, and the rows so far.
            cache: A folder, or a `HuntCache`, where answers are kept and looked up.
            api: ``"graph"``, ``"xdr"``, ``"endpoint"`` or ``"auto"``.
            timeout: Seconds for one try. Default: the client's.
            deadline: Seconds for each query. Default: the client's.
            parse_dates: Whether rows hold aware datetimes instead of ISO 8601 text.

        Returns:
            From each name to its `HuntResult`, in the order of `queries`; with ``"collect"`` to its error where it failed.

        Raises:
            InvalidArgumentError: an argument is wrong; nothing was sent.
            PartialFailureError: some failed; `outcomes` has all, results and errors. Of a single query: its own error.
        """
        from ._flow import run
        from ._many import asked_of, hunt_many

        shared: dict[str, Any] = {"since": since, "until": until, "timespan": timespan, "cache": cache, "api": api}
        shared.update(timeout=timeout, deadline=deadline, parse_dates=parse_dates)
        hunts = asked_of(queries, shared)
        return run(self._core, hunt_many(self._core, hunts, concurrency, on_error, progress))

    def schema(
        self,
        *,
        live: bool = False,
        tables: Sequence[str] | None = None,
        api: Api = "auto",
        timeout: Seconds | None = None,
        deadline: Seconds | None = None,
    ) -> Schema:
        """The hunting tables with their columns and types.

        Args:
            live: Ask the service, which knows what is new and what the tenant has of its own. Else the schema that xdrkit was made
                with is given, and nothing is sent.
            tables: These tables alone. With `live` an application must name them, for only users may ask for all.
            api: Which service to ask, as in `hunt`.
            timeout: Seconds for each try.
            deadline: Seconds for the whole call.

        Raises:
            InvalidArgumentError: there is no such table, or tables must be named.
        """
        from ._flow import run
        from ._schema import schema

        return run(self._core, schema(live, tables, api, timeout, deadline))

    def call(
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
        return Resource(self._core, self._policy)._call(operation, arguments, timeout=timeout, deadline=deadline)

    def request(
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
        return Resource(self._core, self._policy)._request(method, path, options)

    def whoami(self, service: Service = "graph") -> dict[str, Any]:
        """Sign in for a service and read what its token says.

        Args:
            service: ``"endpoint"``, ``"xdr"`` or ``"graph"``; each has a token of its own.

        Returns:
            `kind` (``"app"``, ``"user"``, or ``"unknown"`` where the token cannot be read), `tenant_id`, `client_id`,
            `app_name`, `user`, `permissions`, `audience`, `credential`, `expires_on` (seconds since 1970).

        Raises:
            AuthenticationError: sign-in failed.
        """
        return self._core.whoami(service)

    def require(self, *permissions: str) -> None:
        """Fail now, and say how to mend it, if the tokens lack what a script is going to need.

        Args:
            permissions: Permissions such as ``"Machine.Isolate"``, or operations such as ``"machines.isolate"``, whose least
                permission is then meant. A permission to write includes the one to read.

        Raises:
            PermissionDeniedError: some are missing: `missing` names them, the hint says where an administrator consents. A token
                that cannot be read is not judged.
            InvalidArgumentError: there is no such permission and no such operation; nothing was sent.
        """
        self._core.require(list(permissions))

    def accounts(self) -> list[dict[str, str]]:
        """Who is signed in or remembered: `username`, `tenant_id`, `home_account_id`, `authority`, `client_id`.

        Empty for an application.
        """
        return self._core.accounts()

    def sign_out(self, account: str | None = None) -> int:
        """Forget a user and every token, here and in the persistent cache. The next call signs in anew.

        Args:
            account: A user name or a home account id. Default: everybody.

        Returns:
            How many accounts there were.
        """
        return self._core.sign_out(account)

    def close(self) -> None:
        """Close the connections and forget the tokens. Later calls raise `ClosedError`; closing twice is fine."""
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()
