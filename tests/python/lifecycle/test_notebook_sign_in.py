"""Signing in from a notebook: a real kernel, a front-end that reads what it shows and answers what it asks, and a sandbox."""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
import urllib.parse
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit
from xdrkit import _prompts

manager = pytest.importorskip("jupyter_client.manager")
pytest.importorskip("ipykernel")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.dev

SOON = 20.0
QUESTION = {"prompt": "Paste the address here: ", "password": True}
# Who asks, whether on the main thread, how many at once, and when the last has left.
SPY = """
import getpass, threading
main, crowd, inside, asked, left = [], [], [], threading.Event(), threading.Event()
def spy(*arguments, own=getpass.getpass):
    main.append(threading.current_thread() is threading.main_thread())
    inside.append(1)
    crowd.append(len(inside))
    asked.set()
    try:
        return own(*arguments)
    finally:
        inside.pop()
        left.set()
getpass.getpass = spy
"""
SYNC = "print(make(xdrkit.Client).whoami()['user'])"
AWAITED = "print((await make(xdrkit.AsyncClient).whoami())['user'])"
both = pytest.mark.parametrize("call", [SYNC, AWAITED], ids=["sync", "awaited"])


class Cell:
    """A cell that runs: what it shows and asks, and how it ends."""

    def __init__(self, client: Any, source: str, allow_stdin: bool) -> None:
        self._client = client
        self._id = client.execute(source, allow_stdin=allow_stdin)
        self.text = ""
        self.cards: list[dict[str, str]] = []

    def card(self) -> dict[str, str]:
        """The next thing that it displays, by MIME type."""
        shown = len(self.cards)
        while len(self.cards) == shown:
            assert self._hear(), f"the cell ended and showed nothing more: {self.text}"
        return self.cards[-1]

    def question(self) -> dict[str, Any]:
        """What it asks for on the channel for input."""
        message = self._client.get_stdin_msg(timeout=SOON)
        assert message["parent_header"]["msg_id"] == self._id
        content: dict[str, Any] = message["content"]
        return content

    def answer(self, text: str) -> None:
        self._client.input(text)

    def end(self) -> dict[str, Any]:
        """How it ended."""
        while self._hear():
            pass
        while True:
            message = self._client.get_shell_msg(timeout=SOON)
            if message["parent_header"]["msg_id"] == self._id:
                content: dict[str, Any] = message["content"]
                return content

    def prints(self) -> str:
        """What it printed, if it ended well."""
        ended = self.end()
        assert ended["status"] == "ok", ended
        return self.text

    def _hear(self) -> bool:
        """One message. False: it was the last."""
        message = self._client.get_iopub_msg(timeout=SOON)
        if message["parent_header"].get("msg_id") != self._id:
            return True
        content = message["content"]
        if message["msg_type"] == "stream":
            self.text += content["text"]
        elif message["msg_type"] == "display_data":
            self.cards.append(content["data"])
        return not (message["msg_type"] == "status" and content["execution_state"] == "idle")


class Notebook:
    """A kernel with somebody in front of it."""

    def __init__(self, kernel: Any, client: Any) -> None:
        self._client = client
        self.interrupt = kernel.interrupt_kernel

    def begin(self, source: str, *, allow_stdin: bool = True) -> Cell:
        return Cell(self._client, source, allow_stdin)

    def run(self, source: str) -> str:
        return self.begin(source).prints()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """One for all, with no file and no setting of the user's in reach."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.upper().startswith(("AZURE", "XDRKIT", "JUPYTER", "CODESPACES", "SSH_")) or "PROXY" in name.upper():
                patch.delenv(name)
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        running, client = manager.start_new_kernel(kernel_name="python3")
        try:
            yield Notebook(running, client)
        finally:
            client.stop_channels()
            running.shutdown_kernel(now=True)


def making(sb: xdrkit.Sandbox, *, authority: str | None = None, credential: str = "'paste'", options: str = "") -> str:
    """Defines `make(class)`, which makes a client that signs a user in."""
    where = f"authority={authority or sb.url!r}"
    user = f"{sb.tenant_id!r}, {sb.identity['public_client_id']!r}"
    if not credential.startswith("'"):
        credential, user = f"xdrkit.{credential}({user}, {where})", ""
    arguments = f"{user}{', ' if user else ''}credential={credential}, base_url={sb.url!r}{options}"
    return f"import xdrkit\ndef make(cls):\n    return cls({arguments}{f', {where}' if user else ''})\n"


@pytest.fixture
def notebook(kernel: Notebook, sandbox: xdrkit.Sandbox) -> Notebook:
    """The kernel, where `make` signs in by a pasted address."""
    kernel.run(making(sandbox))
    return kernel


def page_of(card: dict[str, str]) -> str:
    """The address behind the card's link, which its text has, too."""
    link = re.search(r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer">', card["text/html"])
    assert link is not None
    address = unescape(link.group(1))
    assert address in card["text/plain"].splitlines()
    return address


def last_address(card: dict[str, str]) -> str:
    """Signs in on the card's page; where the browser ends up."""
    parts = urllib.parse.urlsplit(page_of(card))
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=SOON)
    connection.request("GET", f"{parts.path}?{parts.query}")
    location = connection.getresponse().headers["Location"]
    connection.close()
    return location


class Relay:
    """Passes sign-in requests on to a sandbox, and holds those for tokens until it is told to let them go."""

    def __init__(self, url: str) -> None:
        self.answered = 0
        self.go = threading.Event()
        relay, host = self, urllib.parse.urlsplit(url).netloc

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                held = self.path.endswith("/token")
                assert not held or relay.go.wait(SOON)
                connection = http.client.HTTPConnection(host, timeout=SOON)
                connection.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"]})
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                relay.answered += held
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def by_hand() -> Iterator[xdrkit.Sandbox]:
    """A sandbox whose device codes wait for somebody."""
    with xdrkit.sandbox(auto_approve=False) as running:
        yield running


@pytest.fixture
def relay(by_hand: xdrkit.Sandbox) -> Iterator[Relay]:
    made = Relay(by_hand.url)
    yield made
    made.close()


# ---- device code ------------------------------------------------------------------------------------------------------


@both
def test_a_device_code_is_on_a_card_before_it_is_polled_for(
    kernel: Notebook, by_hand: xdrkit.Sandbox, relay: Relay, call: str
) -> None:
    kernel.run(making(by_hand, authority=relay.url, credential="'device-code'", options=", _virtual_clock=True"))
    cell = kernel.begin(call)
    card = cell.card()
    assert relay.answered == 0, "nobody was told yet whether the code was used"
    code = re.search(r"<code [^>]*user-select:all[^>]*>([^<]+)</code> <button [^>]*>Copy</button>", card["text/html"])
    assert code is not None
    link = re.search(r'<a href="(http[^"]*)"', card["text/html"])
    assert link is not None
    assert code.group(1) in card["text/plain"]
    assert link.group(1) in card["text/plain"]
    assert by_hand.approve(code.group(1))
    relay.go.set()
    assert cell.prints() == f"{by_hand.identity['user']}\n"
    assert relay.answered >= 1


# ---- pasted address ---------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("credential", ["'paste'", "PasteRedirectCredential"])
def test_an_address_is_asked_for_below_a_card(
    kernel: Notebook, sandbox: xdrkit.Sandbox, call: str, credential: str
) -> None:
    kernel.run(making(sandbox, credential=credential))
    cell = kernel.begin(f"{SPY}\n{call}\nprint(main)")
    assert cell.question() == QUESTION
    pasted = last_address(cell.card())
    cell.answer(pasted)
    text = cell.prints()
    assert text == f"{sandbox.identity['user']}\n[{call == SYNC}]\n", "a cell that blocks is asked from its own thread"
    assert len(cell.cards) == 1
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(pasted).query)["code"][0]
    assert code not in json.dumps([cell.cards, text]), "what was pasted is not kept in the notebook"


@both
def test_a_wrong_paste_is_asked_again_with_the_reason(notebook: Notebook, sandbox: xdrkit.Sandbox, call: str) -> None:
    cell = notebook.begin(call)
    cell.question()
    first = cell.card()
    cell.answer("https://example.com/?code=1")
    cell.question()
    second = cell.card()
    note = "That is another page's address"
    assert note not in first["text/plain"]
    assert second["text/plain"].startswith(note)
    assert note in unescape(second["text/html"])
    assert page_of(first) == page_of(second)
    cell.answer(last_address(second))
    assert cell.prints() == f"{sandbox.identity['user']}\n"


@both
def test_the_stop_button_ends_a_question_and_the_next_cell_gets_its_own_answers(
    notebook: Notebook, sandbox: xdrkit.Sandbox, call: str
) -> None:
    cell = notebook.begin(f"{SPY}\n{call}")
    cell.question()
    cell.card()
    start = time.monotonic()
    notebook.interrupt()
    ended = cell.end()
    assert time.monotonic() - start < 2
    # A kernel's word for an interrupt while it awaits.
    assert ended["ename"] == ("KeyboardInterrupt" if call == SYNC else "CancelledError")
    assert notebook.run(f"print(left.wait({SOON}))") == "True\n", "nobody waits for what is typed from now on"
    cell = notebook.begin("print(input('a name: '))")
    assert cell.question()["prompt"] == "a name: "
    cell.answer("Ada")
    assert cell.prints() == "Ada\n"
    cell = notebook.begin(call)
    cell.question()
    cell.answer(last_address(cell.card()))
    assert cell.prints() == f"{sandbox.identity['user']}\n"


@both
def test_without_input_the_error_says_so_and_names_another_way(notebook: Notebook, call: str) -> None:
    cell = notebook.begin(call, allow_stdin=False)
    ended = cell.end()
    assert ended["ename"] == "InteractionRequiredError"
    assert "this notebook cannot ask for input" in ended["evalue"]
    assert "device-code" in ended["evalue"]
    assert cell.cards == [], "nobody is sent to a page whose address cannot be pasted"


@both
def test_the_browser_of_a_hub_is_somewhere_else(kernel: Notebook, sandbox: xdrkit.Sandbox, call: str) -> None:
    kernel.run(making(sandbox, credential="InteractiveBrowserCredential"))
    kernel.run("import os\nos.environ['JUPYTERHUB_USER'] = 'somebody'")
    try:
        cell = kernel.begin(call)
        assert cell.question() == QUESTION
        cell.answer(last_address(cell.card()))
        assert cell.prints() == f"{sandbox.identity['user']}\n"
    finally:
        kernel.run("del os.environ['JUPYTERHUB_USER']")


def test_two_questions_are_asked_one_after_the_other(notebook: Notebook, sandbox: xdrkit.Sandbox) -> None:
    calls = "import asyncio\nclients = [make(xdrkit.AsyncClient) for _ in range(2)]\n"
    calls += (
        "users = [who['user'] for who in await asyncio.gather(*[c.whoami() for c in clients])]\nprint(users, crowd)"
    )
    cell = notebook.begin(f"{SPY}\n{calls}")
    pages = []
    for _ in range(2):
        cell.question()
        card = cell.card()
        pages.append(page_of(card))
        cell.answer(last_address(card))
    assert pages[0] != pages[1]
    assert cell.prints() == f"{[sandbox.identity['user']] * 2} [1, 1]\n"


def test_a_question_ends_with_the_cell_that_asked(notebook: Notebook, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    beginning = "import asyncio, pathlib\ntask = asyncio.create_task(make(xdrkit.AsyncClient).whoami())\n"
    cell = notebook.begin(f"{SPY}\n{beginning}await asyncio.to_thread(pathlib.Path({str(gate)!r}).read_text)")
    cell.question()
    gate.write_text("the cell may end")
    assert cell.prints() == ""
    ended = notebook.begin("await task").end()
    assert ended["ename"] == "InteractionRequiredError"
    assert "interrupted" in ended["evalue"]
    assert notebook.run(f"print(left.wait({SOON}))") == "True\n"


# ---- what is shown ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The text and the card of each prompt."""
    all_of_it: list[tuple[str, str]] = []
    monkeypatch.setattr(_prompts, "_show", lambda text, html: all_of_it.append((text, html)))
    return all_of_it


def test_a_login_host_writes_no_html_and_no_script(shown: list[tuple[str, str]]) -> None:
    evil = "')\"><script>alert(1)</script>"
    code = {"message": evil, "user_code": evil, "verification_uri": f"javascript:{evil}", "expires_in": 60}
    _prompts.show_code(code, None)
    ((text, html),) = shown
    assert text == evil
    assert "<script" not in html
    assert "href" not in html
    handler = re.search(r'onclick="([^"]*)"', html)
    assert handler is not None
    assert "alert" not in unescape(handler.group(1))
    assert unescape(html).count(evil) == 2, "it is shown as it is"


def test_nobody_is_asked_on_a_terminal_behind_the_notebook(
    monkeypatch: pytest.MonkeyPatch, shown: list[tuple[str, str]]
) -> None:
    kernel = SimpleNamespace(_allow_stdin=True)
    monkeypatch.setattr(_prompts, "_shell", lambda: SimpleNamespace(kernel=kernel))
    with pytest.raises(xdrkit.errors.InteractionRequiredError, match="no cell is running"):
        _prompts.paste({"url": "https://login.example/", "redirect_uri": "https://login.example/end"}, None)
    assert shown == []
