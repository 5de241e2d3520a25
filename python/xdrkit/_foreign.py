"""Asks credentials of other libraries for tokens. Called from Rust, on a thread of its own.

Coroutines run on one event loop that stays: the sessions of async credentials belong to the loop of their first use, so a new loop for
each token would find them closed.
"""

from __future__ import annotations

import os
import threading
from typing import Any

_lock = threading.Lock()
_loop: Any = None
_loop_pid = 0


def ask(credential: Any, scope: str, claims: str | None) -> tuple[str, int | None]:
    """A token for `scope` and when it ends, in seconds since 1970, if that is known."""
    method = getattr(credential, "get_token", None)
    if method is not None:
        answer = method(scope, claims=claims) if claims else method(scope)
    elif hasattr(credential, "get_token_info"):
        options = {"options": {"claims": claims}} if claims else {}
        answer = credential.get_token_info(scope, **options)
    else:
        answer = credential(scope)
    if hasattr(answer, "__await__"):
        answer = _run(answer)
    return _token(answer)


def _token(answer: Any) -> tuple[str, int | None]:
    if isinstance(answer, str):
        return answer, None
    if hasattr(answer, "token"):
        return _text(answer.token), _seconds(getattr(answer, "expires_on", None))
    if isinstance(answer, tuple) and len(answer) >= 2:
        return _text(answer[0]), _seconds(answer[1])
    if isinstance(answer, dict) and "access_token" in answer:  # MSAL; without the key it is MSAL's way to fail
        expires_in = answer.get("expires_in")
        import time

        return _text(answer["access_token"]), None if expires_in is None else int(time.time()) + int(expires_in)
    if isinstance(answer, dict) and "error" in answer:
        raise ValueError(f"{answer['error']}: {answer.get('error_description', '')}".strip(": "))
    raise TypeError(f"a token is a text, or a text and when it ends, not {type(answer).__name__}")


def _text(token: Any) -> str:
    if not isinstance(token, str):
        raise TypeError(f"a token is a text, not {type(token).__name__}")
    return token


def _seconds(expires_on: Any) -> int | None:
    return None if expires_on is None else int(expires_on)


def _run(awaitable: Any) -> Any:
    import asyncio

    async def waited() -> Any:
        return await awaitable

    return asyncio.run_coroutine_threadsafe(waited(), _running_loop()).result()


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
