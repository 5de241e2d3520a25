"""Sign-ins that wait for a person: interrupted, cancelled, left behind at exit, and taken along into a forked child."""

from __future__ import annotations

import contextlib
import html
import re
import socket
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from harness import FORKED

if TYPE_CHECKING:
    from collections.abc import Callable

    import xdrkit
    from harness import Child

# What each child begins with: credentials that tell the test what they show, and a person who does nothing by themselves.
PERSON = """
        import builtins, io, os, threading, time

        AUTHORITY = os.environ["AZURE_AUTHORITY_HOST"]
        APP = os.environ["PUBLIC_CLIENT_ID"]
        WHERE = dict(tenant_id=os.environ["AZURE_TENANT_ID"], client_id=APP, authority=AUTHORITY)

        def shown(page):
            tell(url=page.url)
            return True

        def browser(**options):
            return xdrkit.InteractiveBrowserCredential(**WHERE, **{"open_browser": shown, **options})

        def device():
            return xdrkit.DeviceCodeCredential(**WHERE, prompt=lambda code: tell(code=code.user_code))

        def pasted():
            sys.stderr, typed = io.StringIO(), builtins.input
            def asks(question):
                tell(url=[line for line in sys.stderr.getvalue().splitlines() if line.startswith(AUTHORITY)][-1])
                return typed()
            builtins.input = asks
            return xdrkit.PasteRedirectCredential(**WHERE)

        def call(c):
            return c.request("GET", "/api/machines", params={"$top": 1})
"""


def environment(sb: xdrkit.Sandbox) -> dict[str, str]:
    """What a child has to know. A terminal's traces are taken away: they would make a browser a pasted address."""
    traces = ("SSH_CONNECTION", "CODESPACES", "JUPYTERHUB_USER", "DATABRICKS_RUNTIME_VERSION")
    return {**sb.env(), "PUBLIC_CLIENT_ID": sb.identity["public_client_id"], **dict.fromkeys(traces, "")}


def opener() -> urllib.request.OpenerDirector:
    class StayHere(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    return urllib.request.build_opener(urllib.request.ProxyHandler({}), StayHere())


def visit(url: str) -> None:
    """Signs in on the page, and brings the answer to the program that listens."""
    with opener().open(url, timeout=20) as answer:
        page = answer.read().decode()
    action = re.search(r'action="([^"]*)"', page)
    assert action is not None
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]*)" value="([^"]*)"', page)}
    form = urllib.parse.urlencode(fields).encode()
    with opener().open(html.unescape(action.group(1)), form, timeout=20) as answer:
        assert answer.status == 200


def last_address(url: str) -> str:
    """Signs in on the page; the address that the browser ends on."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener().open(url, timeout=20)
    with caught.value as redirect:
        location: str = redirect.headers["Location"]
    return location


def asked(url: str, name: str) -> str:
    return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)[name][0]


def port_of(url: str) -> int:
    port = urllib.parse.urlsplit(asked(url, "redirect_uri")).port
    assert port is not None
    return port


def is_open(port: int) -> bool:
    for host in ("127.0.0.1", "::1"):
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), timeout=1).close()
            return True
    return False


def closes(port: int, within: float = 2) -> bool:
    """Whether nobody listens there any more, soon."""
    end = time.monotonic() + within
    while is_open(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def pages(sb: xdrkit.Sandbox) -> list[str]:
    return [record["path"].rpartition("/")[2] for record in sb.requests if record["operation"] is None]


# ---- Ctrl-C -------------------------------------------------------------------------------------------------------------------------

# The later call is for another service: signing in to it waits until nothing is left of the first sign-in.
INTERRUPTED = """
        c = xdrkit.Client(credential={way}())
        try:
            c.whoami("endpoint")
            tell(kind="returned", at=time.monotonic())
        except BaseException as error:
            tell(kind=type(error).__name__, at=time.monotonic())
        tell(kind=c.whoami("{service}")["kind"])
        c.close()
"""


def interrupt(child: Child) -> None:
    sent = child.interrupt()
    heard = child.hear()
    assert heard["kind"] == "KeyboardInterrupt"
    assert heard["at"] - sent < 1, "the promise is 100 ms; a busy machine has its second"


def test_ctrl_c_ends_the_wait_for_a_browser_and_the_next_call_opens_another_page(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + INTERRUPTED.format(way="browser", service="graph"), env=environment(sandbox))
    first = child.hear()["url"]
    assert is_open(port_of(first))
    interrupt(child)
    second = child.hear()["url"]
    assert closes(port_of(first)), "nobody comes back there"
    for name in ("state", "nonce", "code_challenge"):
        assert asked(first, name) != asked(second, name)
    visit(second)
    assert child.hear() == {"kind": "user"}
    child.ends_well()
    assert pages(sandbox) == ["authorize", "token"]


def test_ctrl_c_ends_the_wait_for_a_device_code_and_the_next_call_shows_another_one(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + INTERRUPTED.format(way="device", service="graph"), env=environment(sandbox))
    first = child.hear()["code"]
    interrupt(child)
    second = child.hear()["code"]
    assert first != second
    assert sandbox.approve(second)
    assert child.hear() == {"kind": "user"}
    child.ends_well()
    assert pages(sandbox) == ["devicecode", "devicecode", "token"], "the first code is polled for no more"


def test_ctrl_c_ends_the_question_for_an_address_and_the_next_call_asks_for_another_one(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + INTERRUPTED.format(way="pasted", service="graph"), env=environment(sandbox))
    first = child.hear()["url"]
    interrupt(child)
    second = child.hear()["url"]
    assert asked(first, "state") != asked(second, "state")
    child.say(last_address(second))
    assert child.hear() == {"kind": "user"}
    child.ends_well()
    assert pages(sandbox) == ["authorize", "token"]


@pytest.mark.parametrize("turn", range(3))
def test_the_call_right_after_ctrl_c_is_a_new_one(
    turn: int, start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + INTERRUPTED.format(way="pasted", service="endpoint"), env=environment(sandbox))
    child.hear()
    interrupt(child)
    child.say(last_address(child.hear()["url"]))
    assert child.hear() == {"kind": "user"}
    child.ends_well()


# ---- cancelled ----------------------------------------------------------------------------------------------------------------------

CANCELLED = """
        import asyncio

        async def main():
            async with xdrkit.AsyncClient(credential={way}()) as c:
                first, second = (asyncio.ensure_future(c.whoami("endpoint")) for _ in range(2))
                await asyncio.get_running_loop().run_in_executor(None, ask)
                first.cancel()
                await asyncio.wait([first])
                tell(cancelled=first.cancelled(), waiting=not second.done())
                if await asyncio.get_running_loop().run_in_executor(None, ask) == "go on":
                    tell(kind=(await second)["kind"])
                    return
                second.cancel()
                await asyncio.wait([second])
                tell(cancelled=second.cancelled())
                await asyncio.get_running_loop().run_in_executor(None, ask)
                tell(kind=(await c.whoami("endpoint"))["kind"])

        asyncio.run(main())
"""


def test_the_port_closes_when_the_last_who_waits_is_cancelled(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + CANCELLED.format(way="browser"), env=environment(sandbox))
    first = child.hear()["url"]
    child.say()
    assert child.hear() == {"cancelled": True, "waiting": True}
    assert is_open(port_of(first)), "one is still waiting"
    child.say("the other, too")
    assert child.hear() == {"cancelled": True}
    assert closes(port_of(first))
    child.say()
    second = child.hear()["url"]
    assert asked(first, "state") != asked(second, "state")
    visit(second)
    assert child.hear() == {"kind": "user"}
    child.ends_well()


def test_a_sign_in_goes_on_for_who_still_waits(start: Callable[..., Child], sandbox: xdrkit.Sandbox) -> None:
    child = start(PERSON + CANCELLED.format(way="browser"), env=environment(sandbox))
    url = child.hear()["url"]
    child.say()
    assert child.hear() == {"cancelled": True, "waiting": True}
    visit(url)
    child.say("go on")
    assert child.hear() == {"kind": "user"}
    child.ends_well()
    assert closes(port_of(url))
    assert pages(sandbox) == ["authorize", "token"]


# ---- left behind --------------------------------------------------------------------------------------------------------------------

PENDING = {
    "a browser, in a daemon thread": """
        threading.Thread(target=lambda: call(xdrkit.Client(credential=browser())), daemon=True).start()
        ask()
    """,
    "a device code, in a daemon thread": """
        threading.Thread(target=lambda: call(xdrkit.Client(credential=device())), daemon=True).start()
        ask()
    """,
    "a prompt that does not come back, in a daemon thread": """
        def stuck(page):
            tell(url=page.url)
            threading.Event().wait()
        credential = xdrkit.PasteRedirectCredential(**WHERE, ask=stuck)
        threading.Thread(target=lambda: call(xdrkit.Client(credential=credential)), daemon=True).start()
        ask()
    """,
    "a browser, in a loop that is left": """
        import asyncio
        async def main():
            task = asyncio.ensure_future(xdrkit.AsyncClient(credential=browser()).whoami())
            await asyncio.get_running_loop().run_in_executor(None, ask)
            raise SystemExit(0)
        asyncio.run(main())
    """,
    "a browser, in the main thread that is told to end": """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        call(xdrkit.Client(credential=browser()))
    """,
}


@pytest.mark.parametrize("setting", PENDING)
def test_the_interpreter_ends_at_once_with_a_sign_in_pending(
    setting: str, start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(PERSON + PENDING[setting], env=environment(sandbox), strict=False)
    child.hear()
    if "told to end" in setting:
        child.process.terminate()
    else:
        child.say()
    ended = child.end(20)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.seconds < 2


# ---- forked -------------------------------------------------------------------------------------------------------------------------


def test_a_forked_child_signs_its_application_in_by_itself(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        PERSON
        + FORKED
        + """
        c = xdrkit.Client()
        before = c.whoami("endpoint")["expires_on"]
        def work():
            assert c.whoami("endpoint")["kind"] == "app"
            assert c.whoami("endpoint")["kind"] == "app"
        statuses = [forked(work) for _ in range(2)]
        tell(statuses=statuses, after=c.whoami("endpoint")["expires_on"] == before)
        """,
        env=environment(sandbox),
    )
    assert child.hear() == {"statuses": [0, 0], "after": True}
    child.ends_well()
    assert pages(sandbox) == ["token"] * 3


def test_a_forked_child_asks_its_user_again_and_the_parents_goes_on(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        PERSON
        + FORKED
        + """
        c = xdrkit.Client(credential=browser())
        assert c.whoami("endpoint")["kind"] == "user"
        def work():
            assert c.accounts() == []
            assert c.whoami("endpoint")["kind"] == "user"
            assert c.sign_out() == 1
        ask()
        statuses = [forked(work)]
        tell(statuses=statuses, accounts=len(c.accounts()), kind=c.whoami("graph")["kind"])
        """,
        env=environment(sandbox),
    )
    first = child.hear()["url"]
    visit(first)
    child.say()
    second = child.hear()["url"]
    assert asked(first, "state") != asked(second, "state")
    visit(second)
    assert child.hear() == {"statuses": [0], "accounts": 1, "kind": "user"}
    child.ends_well()
    assert pages(sandbox) == ["authorize", "token", "authorize", "token", "token"]


def test_a_fork_while_somebody_is_asked_leaves_the_question_with_the_parent(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        PERSON
        + FORKED
        + """
        c = xdrkit.Client(credential=browser())
        asking = threading.Thread(target=lambda: tell(kind=c.whoami("endpoint")["kind"]))
        asking.start()
        ask()
        def work():
            assert c.accounts() == []
        tell(status=forked(work))
        asking.join()
        """,
        env=environment(sandbox),
    )
    url = child.hear()["url"]
    child.say()
    assert child.hear() == {"status": 0}
    visit(url)
    assert child.hear() == {"kind": "user"}
    child.ends_well()
    assert closes(port_of(url))
