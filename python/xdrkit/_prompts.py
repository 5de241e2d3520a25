"""What a person sees who has to sign in: a line in a terminal, a card in a notebook. Called from Rust.

A prompt that comes too late is no prompt: everything is flushed before it returns, so that a code can be read before it is
polled for, also through a pipe and in a runbook's log. And a question belongs to somebody: in a notebook to the cell that
asked, and it ends with that, or its answer would go to the next cell's question.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from html import escape
from typing import TYPE_CHECKING

from . import _core
from .credentials import DeviceCode, SignInPage
from .errors import InteractionRequiredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["open_page", "paste", "show_code"]

# Browsers that would take the terminal over, where nobody may be sitting.
_TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}
_CAUTION = "Go on only if it was you who started this sign-in."
_OTHER_WAYS = 'use credential="device-code", which asks for no input, or sign in as an application'
# Two questions at once would get each other's answers.
_one_at_a_time = threading.Lock()
_TICK = 0.1


def show_code(facts: dict[str, Any], own: Callable[[DeviceCode], object] | None) -> None:
    """Shows a device code."""
    code = DeviceCode(**facts)
    if own is not None:
        own(code)
        return
    minutes = max(1, code.expires_in // 60)
    _show(
        code.message,
        _card(
            f"Open {_link(code.verification_uri)} and enter the code {_copyable(code.user_code, 'font-size:1.25em')}",
            f"The code is good for {minutes} minute{'s' if minutes > 1 else ''}. {_CAUTION}",
        ),
    )


def open_page(facts: dict[str, Any], own: Callable[[SignInPage], bool] | None) -> bool:
    """Opens the sign-in page, and says where it is in case the browser shows it to nobody. False: nothing was opened."""
    page = SignInPage(**facts)
    if own is not None:
        return bool(own(page))
    opened = _open(page.url)
    if opened:
        text = f"Sign in with the browser that opens now, or with any browser on this computer:\n{page.url}"
        card = _card(f"A browser opens. If it does not: {_link(page.url, 'open the sign-in page')} on this computer.")
        _show(text, card)
    return opened


def paste(facts: dict[str, Any], own: Callable[[SignInPage], str] | None) -> str:
    """Shows the sign-in page and asks for the address that the browser ended on."""
    page = SignInPage(**facts)
    if own is not None:
        return own(page)
    note = page.note and f"{page.note[:1].upper()}{page.note[1:]}"
    end = "The last page may be blank or fail to load: its address is all that is needed. It is good once, and for this sign-in only."
    text = f"1. Open this page in any browser and sign in:\n{page.url}\n2. {end}\n3. Copy the whole address and paste it here."
    address = f"<summary>its address, for another browser</summary>{_copyable(page.url)}"
    steps = (
        f'{_link(page.url, "Open the sign-in page")} and sign in.<details style="font-size:.85em">{address}</details>',
        end,
        "Copy the whole address and paste it below.",
    )
    body = f'<ol style="margin:0;padding-left:1.4em">{"".join(f"<li>{step}</li>" for step in steps)}</ol>'
    shell = _shell()
    cell = None if shell is None or threading.current_thread() is threading.main_thread() else _Cell(shell)
    try:
        with cell or contextlib.nullcontext(), _one_at_a_time:
            _check_can_ask(shell)
            _show(f"{note}\n{text}" if note else text, _card(body, _CAUTION, note))
            return _ask("Paste the address here: ", shell, cell)
    except (EOFError, OSError) as error:
        raise InteractionRequiredError(f"there is nobody here who could paste an address: {_OTHER_WAYS}") from error


def _check_can_ask(shell: Any) -> None:
    """Only while a cell runs, and only before somebody who can answer, does a kernel pass questions on."""
    import getpass

    if shell is not None and not getattr(shell.kernel, "_allow_stdin", True):
        raise InteractionRequiredError(f"this notebook cannot ask for input: {_OTHER_WAYS}")
    if shell is not None and getpass.getpass.__module__ == "getpass":
        raise InteractionRequiredError(
            "no cell is running that could ask for input: await the call in the cell that makes it"
        )


def _ask(question: str, shell: Any, cell: _Cell | None) -> str:
    if shell is None:
        return _ask_in_terminal(question)
    from getpass import getpass  # the kernel's, and not its input(), whose answer the notebook would keep

    with cell.asking() if cell is not None else contextlib.nullcontext():
        return getpass(question)


def _ask_in_terminal(question: str) -> str:
    """By readline where there is one: a terminal itself takes lines of 1024 characters only on some systems."""
    terminal = bool(sys.stdin and sys.stdin.isatty())
    if not terminal and threading.current_thread() is not threading.main_thread():
        # Whoever waits for a pipe beside the main thread holds its lock, and with it the interpreter's exit.
        raise InteractionRequiredError(f"there is no terminal here to paste an address into: {_OTHER_WAYS}")
    if not (terminal and sys.stdout.isatty()):
        return input(question)
    try:
        import readline
    except ImportError:
        return input(question)
    before = readline.get_current_history_length()
    try:
        return input(question)
    finally:
        if readline.get_current_history_length() > before:
            readline.remove_history_item(before)


class _Cell:
    """The cell for which a thread asks that is not the main one.

    The kernel's own loop ends for an answer or an interrupt, and interrupts are the main thread's. So the thread is interrupted
    from here when the cell is over, be it by the stop button.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._is_over = self._is_asking = False

    def __enter__(self) -> None:
        self._shell.events.register("post_run_cell", self.end)
        self._keep_awake(getattr(getattr(self._shell.kernel, "io_loop", None), "asyncio_loop", None))

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_over = True
        with contextlib.suppress(ValueError):
            self._shell.events.unregister("post_run_cell", self.end)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """What is inside is interrupted when the cell ends."""
        with self._lock:
            if self._is_over:
                raise KeyboardInterrupt
            self._is_asking = True
        try:
            yield
        finally:
            with self._lock:
                self._is_asking = False

    def end(self, _result: object) -> None:
        """Called by the notebook when a cell is over."""
        import ctypes

        with self._lock:
            if self._is_asking:
                interrupt = ctypes.py_object(KeyboardInterrupt)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), interrupt)
            self._is_over, self._is_asking = True, False

    def _keep_awake(self, loop: Any) -> None:
        """Some kernels see a press on the stop button only when their loop has something else to do."""

        def tick() -> None:
            if not self._is_over:
                loop.call_later(_TICK, tick)

        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tick)


def _show(text: str, html: str) -> None:
    """In a notebook as a card, elsewhere on standard error."""
    if _shell() is not None:
        from IPython.display import display

        display({"text/plain": text, "text/html": html}, raw=True)  # type: ignore[no-untyped-call]
    else:
        sys.stderr.write(f"{text}\n")
    sys.stdout.flush()
    sys.stderr.flush()


def _shell() -> Any:
    """The notebook's kernel, if this is one. Not asked of `isatty`, which is false in every kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and getattr(shell, "kernel", None) is not None else None


def _open(url: str) -> bool:
    """Tries the browser that the user or the program chose, then the system's. Linux under Windows has it on the other side."""
    import platform
    import webbrowser
    from pathlib import PurePath

    chosen = os.environ.get("BROWSER")
    if not chosen and "microsoft" in platform.release().lower() and _core.open_page(url):
        return True
    try:
        browser = webbrowser.get()
        name = PurePath(str(getattr(browser, "name", ""))).name
        if (chosen or name not in _TEXT_BROWSERS) and browser.open(url):
            return True
    except (OSError, webbrowser.Error):
        pass
    return _core.open_page(url)


def _link(url: str, text: str | None = None) -> str:
    if not url.startswith(("https://", "http://")):
        return escape(text or url)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(text or url)}</a>'


def _copyable(text: str, style: str = "") -> str:
    """A text that one click selects, with a button that copies it: by the old command, since notebooks deny their output the new one."""
    copy = (
        "getSelection().selectAllChildren(this.previousElementSibling);"
        "if(document.execCommand('copy'))this.textContent='Copied'"
    )
    code = f"user-select:all;overflow-wrap:anywhere;color:inherit;background:#8882;padding:.1em .3em;{style}"
    button = "font:inherit;font-size:.85em;color:inherit;background:#8882;border:1px solid #8888;border-radius:4px;padding:0 .6em"
    return (
        f'<code style="{code}">{escape(text)}</code> '
        f'<button type="button" style="{button};cursor:pointer" onclick="{escape(copy)}">Copy</button>'
    )


def _card(body: str, small: str | None = None, alert: str | None = None) -> str:
    """In colours that are readable on light and dark ground."""
    style = "border:1px solid #8888;border-radius:6px;padding:.6em .9em;max-width:44em;line-height:1.6;overflow-wrap:anywhere"
    above = (
        f'<div style="background:#e5a50a33;border-left:3px solid #e5a50a;padding:.1em .6em;margin:.3em 0">{escape(alert)}</div>'
        if alert
        else ""
    )
    below = f'<div style="font-size:.85em;opacity:.75">{small}</div>' if small else ""
    return f'<div style="{style}"><b>Sign in</b>{above}<div>{body}</div>{below}</div>'
