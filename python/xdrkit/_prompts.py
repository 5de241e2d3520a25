"""What a person sees who has to sign in: a line in a terminal, a card in a notebook. Called from Rust.

A prompt that comes too late is no prompt: everything is flushed before it returns, so that a code can be read before it is
polled for, also through a pipe and in a runbook's log.
"""

from __future__ import annotations

import os
import sys
from html import escape
from typing import TYPE_CHECKING

from . import _core
from .credentials import DeviceCode, SignInPage
from .errors import InteractionRequiredError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["open_page", "paste", "show_code"]

# Browsers that would take the terminal over, where nobody may be sitting.
_TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}


def show_code(facts: dict[str, Any], own: Callable[[DeviceCode], object] | None) -> None:
    """Shows a device code."""
    code = DeviceCode(**facts)
    if own is not None:
        own(code)
        return
    minutes = max(1, code.expires_in // 60)
    html = _card(
        "Sign in",
        f"Open {_link(code.verification_uri)} and enter the code {_copyable(code.user_code)}",
        f"The code is good for {minutes} minutes. Go on only if it was you who started this sign-in.",
    )
    _show(code.message, html)


def open_page(facts: dict[str, Any], own: Callable[[SignInPage], bool] | None) -> bool:
    """Opens the sign-in page, and says where it is in case the browser shows it to nobody. False: nothing was opened."""
    page = SignInPage(**facts)
    if own is not None:
        return bool(own(page))
    opened = _open(page.url)
    if opened:
        text = f"Sign in with the browser that opens now, or with any browser on this computer:\n{page.url}"
        _show(text, _card("Sign in", f"A browser opens. If it does not: {_link(page.url, 'open the sign-in page')}."))
    return opened


def paste(facts: dict[str, Any], own: Callable[[SignInPage], str] | None) -> str:
    """Shows the sign-in page and asks for the address that the browser ended on."""
    page = SignInPage(**facts)
    if own is not None:
        return own(page)
    note = f"{page.note}\n" if page.note else ""
    end = "The last page may be blank or fail to load: its address is all that is needed. It is good once, and for this sign-in only."
    text = f"{note}1. Open this page in any browser and sign in:\n{page.url}\n2. {end}\n3. Copy the whole address and paste it here."
    card = _card(
        "Sign in",
        f"{escape(note)}1. {_link(page.url, 'Open the sign-in page')} in any browser and sign in.<br>2. {end}<br>"
        "3. Copy the whole address and paste it below.",
        "Go on only if it was you who started this sign-in.",
    )
    _show(text, card)
    question = "Paste the address here: "
    try:
        if _shell() is not None:
            from getpass import getpass

            return getpass(question)  # a notebook would keep what input() shows
        return input(question)
    except (EOFError, OSError) as error:
        raise InteractionRequiredError("there is nobody here who could paste an address") from error
    except Exception as error:
        if type(error).__name__ == "StdinNotImplementedError":
            raise InteractionRequiredError("this notebook cannot ask for input") from error
        raise


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
    """Tries the browser that the user or the program chose, then the system's. In a Linux under Windows the browser is on the other side."""
    import platform
    import webbrowser

    chosen = os.environ.get("BROWSER")
    if not chosen and "microsoft" in platform.release().lower() and _core.open_page(url):
        return True
    try:
        browser = webbrowser.get()
        name = os.path.basename(str(getattr(browser, "name", "")))
        if (chosen or name not in _TEXT_BROWSERS) and browser.open(url):
            return True
    except (OSError, webbrowser.Error):
        pass
    return _core.open_page(url)


def _link(url: str, text: str | None = None) -> str:
    if not url.startswith(("https://", "http://")):
        return escape(text or url)
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{escape(text or url)}</a>'


def _copyable(code: str) -> str:
    """A code with a button that copies it."""
    text = escape(code)
    return (
        f'<code style="font-size:1.2em;user-select:all">{text}</code> '
        f"<button onclick=\"navigator.clipboard.writeText('{text}')\">Copy</button>"
    )


def _card(title: str, body: str, note: str | None = None) -> str:
    small = f'<br><small style="opacity:.7">{note}</small>' if note else ""
    style = "border:1px solid #8888;border-radius:6px;padding:.6em .9em;max-width:44em;line-height:1.6"
    return f'<div style="{style}"><b>{escape(title)}</b><br>{body}{small}</div>'
