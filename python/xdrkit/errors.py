"""Errors, split by what a caller may do next.

A script that isolates machines has to know whether it may simply try again, must ask somebody for a permission, or has
found a mistake of its own. So the classes follow that question and not the status code, and where Python has a class
for the case it is a parent::

    XdrError (Exception)
    ├── ConfigurationError (ValueError)             the client was set up wrongly
    ├── InvalidArgumentError (ValueError)           an argument is wrong; nothing was sent
    │   └── UnknownOperationError (LookupError)     no such operation; nothing was sent
    ├── AuthenticationError                         sign-in failed
    │   ├── CredentialUnavailableError              this way to sign in does not exist here; another may
    │   └── InteractionRequiredError                somebody has to sign in again
    ├── ConnectError (ConnectionError)              never sent: safe to try again
    ├── ConnectionLostError (ConnectionError)       may have been sent: look before trying again
    ├── DeadlineExceededError (TimeoutError)        the time that was given is over
    ├── ApiError                                    the service answered, and not with success
    │   ├── BadRequestError                         it refuses the request as it is
    │   │   └── QueryError                          it refuses the hunting query
    │   ├── UnauthorizedError                       it does not accept the token
    │   ├── PermissionDeniedError (PermissionError) the token lacks a permission
    │   ├── NotFoundError (LookupError)             there is no such thing
    │   ├── ConflictError                           it is being worked on, or changed in between
    │   ├── ThrottledError                          too many requests
    │   ├── ServiceError                            it failed itself (5xx)
    │   └── BadResponseError                        its answer makes no sense
    ├── LimitExceededError                          more came, or would be needed, than this client takes
    ├── UnsafeUrlError                              an address that must not be sent a token
    ├── PagingError                                 pages that do not come to an end
    ├── ActionFailedError                           a machine action ended without success
    ├── ActionOutcomeUnknownError                   nobody knows whether an action was begun
    ├── ActionRefusedError                          this client's own policy does not allow it; nothing was sent
    ├── PartialFailureError                         of several calls some failed; `outcomes` has all
    ├── PartialResultError                          some pieces of a hunt failed; `partial` has the others
    ├── FileError (OSError)                         a file here cannot be read or written
    ├── CassetteError                               a cassette has no answer to a request, or cannot be read
    ├── ClosedError                                 the client was closed
    └── InternalError                               a defect of xdrkit

Warnings: :class:`TruncatedResultWarning` with :class:`PartialResultWarning`, :class:`LegacyHuntingWarning`.
"""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ._hunted import HuntResult
    from ._policy import Outcomes, Plan

__all__ = [
    "ActionFailedError",
    "ActionOutcomeUnknownError",
    "ActionRefusedError",
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BadResponseError",
    "CassetteError",
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "ConnectError",
    "ConnectionLostError",
    "CredentialUnavailableError",
    "DeadlineExceededError",
    "FileError",
    "InteractionRequiredError",
    "InternalError",
    "InvalidArgumentError",
    "LegacyHuntingWarning",
    "LimitExceededError",
    "NotFoundError",
    "PagingError",
    "PartialFailureError",
    "PartialResultError",
    "PartialResultWarning",
    "PermissionDeniedError",
    "QueryError",
    "ServiceError",
    "ThrottledError",
    "TruncatedResultWarning",
    "UnauthorizedError",
    "UnknownOperationError",
    "UnsafeUrlError",
    "XdrError",
]


class XdrError(Exception):
    """Anything that xdrkit raises by itself. Can be pickled, so it survives process pools and task queues.

    Attributes:
        message: What happened, in a sentence.
        status: The HTTP status, if there was an answer.
        code: The service's own error code, such as ``"ResourceNotFound"`` or ``"invalid_client"``.
        request_id: The id to quote to Microsoft's support.
        retry_after: Seconds that the service asked to wait.
        method: The request's method.
        url: The request's URL without its query.
        attempts: How often the request was sent.
        retryable: Whether the same call may succeed later.
        hint: What to do about it, if that is known.
    """

    message: str
    status: int | None
    code: str | None
    request_id: str | None
    retry_after: float | None
    method: str | None
    url: str | None
    attempts: int
    retryable: bool
    hint: str | None

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        method: str | None = None,
        url: str | None = None,
        attempts: int = 0,
        retryable: bool = False,
        hint: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.method = method
        self.url = url
        self.attempts = attempts
        self.retryable = retryable
        self.hint = hint
        self.__dict__.update(more)

    def __str__(self) -> str:
        known = [("status", self.status), ("code", self.code), ("request id", self.request_id)]
        facts = ", ".join(f"{name} {value}" for name, value in known if value)
        text = f"{self.message} [{facts}]" if facts else self.message
        return f"{text}\nhint: {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        facts = [repr(self.message)]
        facts += [f"{name}={value!r}" for name, value in self.__dict__.items() if name != "message" and value]
        return f"{type(self).__name__}({', '.join(facts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A result stays in its process.
        state = {name: value for name, value in self.__dict__.items() if name != "partial"}
        return _restore, (type(self), self.args, state)


def _restore(cls: type[XdrError], args: tuple[Any, ...], state: dict[str, Any]) -> XdrError:
    """Makes an error again without its constructor, which a user's subclass may have changed."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(XdrError, ValueError):
    """The client was set up wrongly: correct the named setting. Nothing was sent.

    Attributes:
        argument: The setting, as the constructor names it.
    """

    argument: str | None = None


class InvalidArgumentError(XdrError, ValueError):
    """An argument is wrong: correct the call. Nothing was sent.

    Attributes:
        argument: The argument's name.
        allowed: The values or names that would do, if there is a list of them.
    """

    argument: str | None = None
    allowed: Sequence[str] | None = None


class UnknownOperationError(InvalidArgumentError, LookupError):
    """There is no operation of that id: see `xdrkit.operations()`. Nothing was sent."""


class AuthenticationError(XdrError):
    """Sign-in failed: tenant, app, secret or user is wrong or not allowed. `code` is OAuth's word, such as ``"invalid_client"``.

    Attributes:
        aadsts: Entra's number, as in AADSTS7000215.
        suberror: What is wrong in particular, if Entra says so.
        correlation_id: What to quote to Microsoft's support,
        trace_id: with this,
        timestamp: and this.
        help: A page of Microsoft's about `aadsts`.
    """

    aadsts: int | None = None
    suberror: str | None = None
    correlation_id: str | None = None
    trace_id: str | None = None
    timestamp: str | None = None
    help: str | None = None


class CredentialUnavailableError(AuthenticationError):
    """This way to sign in does not exist here (no such environment, program or answer): try another credential.

    Attributes:
        reasons: For a chain, from each of its members to why that is not available.
    """

    reasons: Mapping[str, str] | None = None


class InteractionRequiredError(AuthenticationError):
    """Somebody has to sign in again, by a way that can show a prompt.

    Attributes:
        claims: What Entra wants to be proven; give it to the sign-in.
    """

    claims: str | None = None


class ConnectError(XdrError, ConnectionError):
    """No connection was made, so nothing was sent: trying again is safe, even for a machine action."""


class ConnectionLostError(XdrError, ConnectionError):
    """The connection broke after the request may have gone out: before repeating an action, look whether it began."""


class DeadlineExceededError(XdrError, TimeoutError):
    """The time that was given is over: try again, or give more `timeout` (one try) or `deadline` (the whole call).

    Attributes:
        action: The machine action that was waited for, as the service last sent it. It goes on unless `cancelled`.
        cancelled: Whether the action was cancelled (``cancel_on_timeout=True``).
    """

    action: Mapping[str, Any] | None = None
    cancelled: bool = False


class ApiError(XdrError):
    """The service answered, and not with success. `status`, `code` and `request_id` are its own."""


class BadRequestError(ApiError):
    """The service refuses the request as it is: correct it; the same request will be refused again."""


class QueryError(BadRequestError):
    """The hunting query is refused: correct the KQL, or make it cheaper where a limit is named.

    Attributes:
        line: Where, for a query that ran here (`HuntResult.query`, `kql.run`): the line, from 1.
        column: The first character in it, from 1.
        unsupported: What the engine that runs queries here lacks; the service may well know it.
    """

    line: int | None = None
    column: int | None = None
    unsupported: str | None = None


class UnauthorizedError(ApiError):
    """The service does not accept the token: wrong audience, wrong tenant, expired or revoked. Sign in again."""


class PermissionDeniedError(ApiError, PermissionError):
    """The token lacks a permission: an administrator must grant one of `missing` on `app`, then sign in again.

    Attributes:
        missing: Permissions, any one of which would do.
        app: The API that carries them, as Entra's portal names it.
        audience: Whom the token is for.
        held: The permissions that the token has.
        admin_consent_url: Where an administrator consents to what the app registration asks for.
    """

    missing: Sequence[str] = ()
    app: str | None = None
    audience: str | None = None
    held: Sequence[str] = ()
    admin_consent_url: str | None = None


class NotFoundError(ApiError, LookupError):
    """There is no such thing, or this user may not see it."""


class ConflictError(ApiError):
    """It is being worked on, or was changed in between: read it again, then decide."""


class ThrottledError(ApiError):
    """Too many requests, also after the repetitions that were allowed: wait `retry_after` seconds."""


class ServiceError(ApiError):
    """The service failed itself (5xx), also after the repetitions that were allowed: try later."""


class BadResponseError(ApiError):
    """The answer makes no sense: cut off, no JSON, or a proxy's page. Look at what stands in between.

    Attributes:
        offset: Where in the answer it went wrong, in bytes; of hunts.
        body: What could not be read of a hunt's answer, as it came, up to 64 MiB.
        body_offset: Where in the answer `body` begins.
        partial: The rows before that. None after pickling.
    """

    offset: int | None = None
    body: bytes | None = None
    body_offset: int | None = None
    partial: HuntResult | None = None


class LimitExceededError(XdrError):
    """A limit of this client was passed, such as the largest answer that it takes: ask for less, or raise the limit."""


class UnsafeUrlError(XdrError):
    """An address that must not be sent a token: a next link to another host, plain http. Nothing was sent there."""


class PagingError(XdrError):
    """Pages do not come to an end: a link repeats itself. What was read so far is not the whole list."""


class ActionFailedError(XdrError):
    """A machine action ended without success: failed, timed out or was cancelled.

    Attributes:
        action: The machine action as the service last sent it.
        command: Of a live response session, the index of the command that failed.
        errors: And what the service says of it.
    """

    action: Mapping[str, Any] | None = None
    command: int | None = None
    errors: Sequence[str] = ()


class ActionOutcomeUnknownError(XdrError):
    """Nobody knows whether an action was begun: look into `machine_actions.list` before sending it again.

    Attributes:
        action_id: The machine action's id, if it is known.
        looked: How often was looked for what came of it.
        looked_until: When was last looked, UTC in ISO 8601.
        look_error: Why looking failed, if it did.
    """

    action_id: str | None = None
    looked: int = 0
    looked_until: str | None = None
    look_error: XdrError | None = None


class ActionRefusedError(XdrError):
    """This client's own policy does not allow it: `confirm` said no, the device group is not on the list. Nothing was sent.

    Attributes:
        plan: What would have been sent.
        reason: Why not.
    """

    plan: Plan | None = None
    reason: str | None = None


class PartialFailureError(XdrError):
    """Of several calls some failed, and the others have happened: look into `outcomes`.

    Attributes:
        outcomes: What came of each, in the order of the ids.
    """

    outcomes: Outcomes[Any] | None = None


class PartialResultError(XdrError):
    """Some pieces of a hunt failed, also when they were tried again: `partial` has the rows of the others.

    Attributes:
        partial: What the complete pieces found. None where rows were given out already (`hunt_iter`), and after pickling.
        missing: The windows that are not in it, as UTC texts: first moment, first moment after it; or parts by hash as texts.
        errors: Why, in the same order.
        resume: The `since` from which on all rows are missing, where the rest of the window can be asked for by that.
    """

    partial: HuntResult | None = None
    missing: Sequence[Any] = ()
    errors: Sequence[XdrError] = ()
    resume: str | None = None


class FileError(XdrError, OSError):
    """A file here cannot be read or written: the disk is full, a folder is missing, or somebody else is writing there.

    Attributes:
        filename: Which.
    """

    filename: str | None = None


class CassetteError(XdrError):
    """A cassette cannot be read, or has no answer to a request. See `xdrkit.testing.cassette`."""


class ClosedError(XdrError):
    """The client was closed: make a new one."""


class InternalError(XdrError):
    """A defect of xdrkit: please report it, with the message."""


class TruncatedResultWarning(UserWarning):
    """A hunting result is not all that the query finds. `HuntResult.truncated` says which limit was reached."""


class PartialResultWarning(TruncatedResultWarning):
    """Pieces of a hunt failed and are missing from its result (``on_error="collect"``). `HuntResult.missing` names them."""


class UnknownMemberWarning(UserWarning):
    """An enumeration has no such member that is known here. It was passed on: it may be newer than this library."""


class LegacyHuntingWarning(FutureWarning):
    """A hunting endpoint was used that stops returning data on 2027-02-01: use Microsoft Graph."""
