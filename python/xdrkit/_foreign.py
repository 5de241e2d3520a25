"""Asks credentials of other libraries for tokens, and functions for assertions. Called from Rust, on a thread of its own.

The sessions of async credentials belong to the loop in which they were made. So a coroutine runs in the loop that called xdrkit last, while
that answers; and where there is none, or it is held up by a blocking call, in one of our own that stays.
"""

from __future__ import annotations

import os
import threading
from typing import Any

_lock = threading.Lock()
_loop: Any = None
_loop_pid = 0


def ask(
    credential: Any, scopes: list[str], claims: str | None, tenant_id: str | None, cae: bool, loop: Any = None
) -> tuple[str, int | None, int | None]:
    """A token, and when it ends and should be renewed, in seconds since 1970, if that is known."""
    more = {"claims": claims, "tenant_id": tenant_id, "enable_cae": cae or None}
    more = {name: value for name, value in more.items() if value is not None}
    if hasattr(credential, "get_token_info"):
        answer = _called(credential.get_token_info, scopes, {"options": more} if more else {})
    elif hasattr(credential, "get_token"):
        answer = _called(credential.get_token, scopes, more)
    elif hasattr(credential, "acquire_token_for_client") or hasattr(credential, "acquire_token_silent"):
        answer = _ask_msal(credential, scopes, claims)
    else:
        answer = credential(*_wanted_by(credential, scopes))
    if hasattr(answer, "__await__"):
        answer = _run(answer, loop)
    return _token(answer)


def assertion(function: Any, loop: Any = None) -> str:
    """What a function gives that makes assertions."""
    made = function()
    if hasattr(made, "__await__"):
        made = _run(made, loop)
    if isinstance(made, (bytes, bytearray)):
        made = bytes(made).decode("ascii")
    if not isinstance(made, str):
        raise TypeError(f"an assertion is a text, not {type(made).__name__}")
    return made.strip()


def _called(method: Any, scopes: list[str], more: dict[str, Any]) -> Any:
    """Calls with what is more than the scopes, where the method takes it: many homemade credentials know only scopes."""
    if more and not _takes(method, more):
        more = {}
    return method(*scopes, **more)


def _takes(method: Any, names: dict[str, Any]) -> bool:
    parameters = _parameters(method)
    if parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters):
        return True
    known = {p.name for p in parameters}
    return all(name in known for name in names)


def _wanted_by(function: Any, scopes: list[str]) -> list[str]:
    """The scope, for functions that want to be told."""
    parameters = _parameters(function)
    positional = (
        None
        if parameters is None
        else [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    )
    if positional is not None and not positional and not any(p.kind is p.VAR_POSITIONAL for p in parameters or ()):
        return []
    return [" ".join(scopes)]


def _parameters(function: Any) -> list[Any] | None:
    import inspect

    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _ask_msal(application: Any, scopes: list[str], claims: str | None) -> Any:
    """An application of MSAL: in its own context where it has one, and else for the account that is signed in."""
    more = {"claims_challenge": claims} if claims else {}
    if hasattr(application, "acquire_token_for_client"):
        parameters = _parameters(application.acquire_token_for_client)
        if parameters is not None and any(p.name == "resource" for p in parameters):  # a managed identity
            return application.acquire_token_for_client(resource=_resource(scopes[0]))
        return application.acquire_token_for_client(scopes, **more)
    accounts = application.get_accounts()
    if not accounts:
        from .errors import InteractionRequiredError

        raise InteractionRequiredError(
            "nobody is signed in to this MSAL application: call one of its acquire_token methods first"
        )
    answer = application.acquire_token_silent_with_error(scopes, account=accounts[0], **more)
    return answer or {
        "error": "interaction_required",
        "error_description": "MSAL has no token and no refresh token for it",
    }


def _resource(scope: str) -> str:
    return scope[: -len("/.default")] if scope.endswith("/.default") else scope


def _token(answer: Any) -> tuple[str, int | None, int | None]:
    if isinstance(answer, str):
        return answer, None, None
    if hasattr(answer, "token"):
        return (
            _text(answer.token),
            _seconds(getattr(answer, "expires_on", None)),
            _seconds(getattr(answer, "refresh_on", None)),
        )
    if isinstance(answer, tuple) and len(answer) >= 2:
        return _text(answer[0]), _seconds(answer[1]), None
    if isinstance(answer, dict) and "access_token" in answer:  # MSAL; without the key it is MSAL's way to fail
        return _text(answer["access_token"]), _from_now(answer.get("expires_in")), _from_now(answer.get("refresh_in"))
    if isinstance(answer, dict) and "error" in answer:
        raise ValueError(f"{answer['error']}: {answer.get('error_description', '')}".strip(": "))
    raise TypeError(f"a token is a text, or a text and when it ends, not {type(answer).__name__}")


def _text(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError(f"a token is a text, not {type(token).__name__}")
    return token


def _seconds(expires_on: Any) -> int | None:
    return None if expires_on is None else int(expires_on)


def _from_now(seconds: Any) -> int | None:
    import time

    return None if seconds is None else int(time.time()) + int(seconds)


def _run(awaitable: Any, loop: Any) -> Any:
    import asyncio

    async def waited() -> Any:
        return await awaitable

    chosen = loop if _answers(loop) else _running_loop()
    return asyncio.run_coroutine_threadsafe(waited(), chosen).result()


def _answers(loop: Any) -> bool:
    """Whether a loop runs and is not held up, by a call of the sync client perhaps that waits for this very token."""
    if loop is None or not loop.is_running():
        return False
    answered = threading.Event()
    try:
        loop.call_soon_threadsafe(answered.set)
    except RuntimeError:  # it was closed meanwhile
        return False
    return answered.wait(0.25)


def _running_loop() -> Any:
    global _loop, _loop_pid, _lock
    if _loop_pid not in (0, os.getpid()):
        _lock, _loop = threading.Lock(), None  # a forked child: the parent's thread did not come along
    with _lock:
        if _loop is None:
            import asyncio

            _loop, _loop_pid = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="xdrkit-credentials", daemon=True).start()
        return _loop
