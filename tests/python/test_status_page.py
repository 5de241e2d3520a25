"""The sandbox's page for people, in a real browser: what it shows and does, in light and dark, on a phone, without a mouse.

`MAKE_PICTURES=1` makes the picture of the documentation anew.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit

from .chromium import CHROMIUM, Browser

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.dev,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: the page was not looked at"),
]

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "sandbox.png"
LIMIT = 200_000
ATTACK = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"

# Texts that are less than 4.5 to 1 from their ground (WCAG AA).
CONTRAST = r"""(() => {
    const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(part);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\)$/.test(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const bad = [];
    for (const e of document.querySelectorAll('h1, h2, p, dt, dd, th, td, button, label, pre, select, input, textarea, span')) {
        if (!(e.innerText || e.value) || e.closest(':disabled')) continue;
        const [more, less] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
        if ((more + 0.05) / (less + 0.05) < 4.5) bad.push(e.outerHTML.slice(0, 80));
    }
    return bad;
})()"""
# What a screen reader has no name for.
UNNAMED = """[...document.querySelectorAll('input, select, textarea, button')]
    .filter((e) => !e.labels?.length && !e.ariaLabel && !e.innerText).map((e) => e.outerHTML)"""


@pytest.fixture
def page(sb: xdrkit.Sandbox, tmp_path: Path) -> Iterator[Browser]:
    """The page of a sandbox of the test's own; nothing else may be asked for, and nothing may be complained about."""
    with Browser(tmp_path) as browser:
        browser.size(1280, 1000)
        browser.open(f"{sb.url}/")
        browser.until("document.body && document.body.dataset.ready")
        yield browser
        outside = [url for url in browser.requests if not url.startswith((f"{sb.url}/", "data:", "about:"))]
        assert outside == []
        assert browser.complaints == []


def text(page: Browser, selector: str) -> str:
    return str(page.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def ask(page: Browser, query: str) -> None:
    page.run(f"document.querySelector('#query').value = {json.dumps(query)}; document.querySelector('#run').click()")
    page.until("!document.querySelector('#run').disabled")


def test_it_says_who_is_there_and_how_to_get_in(sb: xdrkit.Sandbox, page: Browser) -> None:
    assert text(page, "h1") == sb.identity["tenant_name"]
    shown = text(page, "#identity")
    for name in ("tenant_id", "client_id", "client_secret", "user", "user_password"):
        assert sb.identity[name] in shown
    # The tabs are one stop for the keyboard, and arrows go from one to the next.
    page.run("document.querySelector('[role=tab][aria-selected=true]').focus()")
    seen = []
    for _ in range(7):
        seen.append(text(page, "#snippet"))
        page.press("ArrowRight", code=39)
    assert len(set(seen)) == 7
    assert text(page, "#snippet") == seen[0]
    assert page.run("document.querySelectorAll('[role=tab][tabindex=\"0\"]').length") == 1
    assert any(f"export AZURE_TENANT_ID={sb.tenant_id}" in snippet for snippet in seen)


def test_requests_appear_and_count_as_coverage(sb: xdrkit.Sandbox, page: Browser) -> None:
    with sb.user_client() as client:
        client.machines.list().first()
        client.machines.list().first()
    page.until("document.querySelector('#requests').innerText.includes('machines.list')")
    assert sb.identity["user"] in text(page, "#requests")
    assert re.match(r"1 of \d+ called", text(page, "#coverage"))
    page.run("document.querySelector('#called').click()")
    assert text(page, "#operations").split()[:2] == ["2", "machines.list"]
    page.run("document.querySelector('#called').click()")
    for wanted, found in (
        ("isolate", "machines.isolate"),
        ("Ti.ReadWrite", "indicators."),
        ("/runHuntingQuery", "graph.hunting.run"),
    ):
        page.run(f"$('find').value = {wanted!r}; $('find').dispatchEvent(new Event('input'))")
        assert found in text(page, "#operations")
        assert "alerts.list" not in text(page, "#operations")
    page.run("document.querySelector('#reset').click()")
    page.until("document.querySelector('#state').innerText === 'As at the start.'")
    assert text(page, "#requests") == ""
    assert sb.requests == []
    # Its own questions are no requests to the tenant.
    page.run("document.querySelector('#advance').click()")
    page.until("document.querySelector('#state').innerText === 'Five minutes have passed.'")
    assert sb.requests == []


def test_the_clock_and_faults_are_steered(sb: xdrkit.Sandbox, page: Browser) -> None:
    def now() -> str:
        with urllib.request.urlopen(f"{sb.url}/_sandbox/health", timeout=10) as answer:
            return str(json.load(answer)["now"])

    before = now()
    page.run("document.querySelector('#advance').click()")
    page.until("document.querySelector('#state').innerText.includes('Five minutes')")
    assert now() > before
    assert text(page, "#now")[:10] == now()[:10]
    page.run(
        "document.querySelector('#fault-operation').value = 'machines.list';"
        "document.querySelector('#fault-what').value = '503';"
        "document.querySelector('#fault-times').value = '3';"
        "document.querySelector('#fault').requestSubmit()"
    )
    page.until("document.querySelector('#faults').innerText.includes('503')")
    assert text(page, "#faults").split() == ["machines.list", "503", "3"]
    with sb.client(max_retries=0) as client, pytest.raises(xdrkit.XdrError) as caught:
        client.machines.list().first()
    assert getattr(caught.value, "status", None) == 503
    page.until("document.querySelector('#faults').innerText.trim().endsWith('2')")
    page.run("document.querySelector('#clear-faults').click()")
    page.until("document.querySelector('#faults').innerText === ''")
    # One that the sandbox refuses is told.
    page.run("document.querySelector('#fault-times').value = '-1'; document.querySelector('#fault-times').min = ''")
    page.run("document.querySelector('#fault').requestSubmit()")
    page.until("document.querySelector('#state').innerText.includes('times')")
    page.complaints.clear()


def test_queries_are_run_and_what_is_wrong_is_pointed_at(page: Browser) -> None:
    page.run("document.querySelector('#query').focus(); document.querySelector('#query').value = ''")
    page.type("range x from 1 to 1500 step 1 | extend t = iff(x == 1, '', 'a,\"b'), n = int(null)")
    page.press("Enter", ctrl=True, code=13)
    page.until("document.querySelector('#rows table')")
    assert text(page, "#result").startswith("the first 1,000 of 1,500 rows, ")
    assert page.run("[...document.querySelectorAll('#rows thead th')].map(c => c.innerText)") == ["x", "t", "n"]
    assert page.run("[...document.querySelectorAll('#rows tbody tr:first-child td')].map(c => c.className)") == [
        "",
        "",
        "none",
    ]
    lines = page.run("csv(table)").split("\r\n")
    assert lines[:3] == ["x,t,n", '1,"",', '2,"a,""b",']
    assert len(lines) == 1002
    ask(page, "print a = '=1+1', b = -5, c = '-x'")
    assert page.run("csv(table)") == "a,b,c\r\n'=1+1,-5,'-x\r\n", "a spreadsheet must not take a text for a formula"
    ask(page, "DeviceInfo\n| where Nothing == 1")
    assert "line 2, column 9" in text(page, "#trouble")
    assert (
        page.run(
            "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
        )
        == "Nothing"
    )
    assert page.run("document.querySelector('#csv').disabled") is True
    assert text(page, "#rows") == ""
    # The browser notes each refused query as an error of its own.
    page.complaints.clear()


def test_every_sample_runs(page: Browser) -> None:
    for at in range(int(page.run("document.querySelector('#sample').length"))):
        page.run(f"$('sample').selectedIndex = {at}; $('sample').dispatchEvent(new Event('change'))")
        ask(page, str(page.run("document.querySelector('#query').value")))
        assert page.run("document.querySelectorAll('#rows tbody tr').length") > 0, at
        assert page.run("document.querySelector('#trouble').hidden") is True


def test_nothing_in_the_data_becomes_part_of_the_page(sb: xdrkit.Sandbox, page: Browser) -> None:
    with sb.client() as client:
        machine = client.machines.list().first()["id"]
        client.machines.add_tag(machine, tag=ATTACK)
    urllib.request.urlopen(
        urllib.request.Request(
            f"{sb.url}/_sandbox/faults", data=json.dumps({"path": f"/{ATTACK}"}).encode(), method="POST"
        ),
        timeout=10,
    ).close()
    ask(page, f"print {json.dumps(ATTACK)}, ['{ATTACK.replace(chr(39), '')}'] = 1")
    assert "<script>" in text(page, "#rows td")
    assert "<script>" in text(page, "#rows th:last-child")
    ask(page, f"print nothing{json.dumps(ATTACK)}")
    assert "<script>" in text(page, "#trouble")
    page.until("document.querySelector('#faults').innerText.includes('<script>')")
    assert page.run("document.title") == f"{sb.identity['tenant_name']} · xdrkit sandbox"
    assert page.run("document.querySelectorAll('script, img').length") == 1, "its own script alone"
    page.complaints.clear()


def test_its_policy_lets_nothing_else_run(sb: xdrkit.Sandbox, page: Browser) -> None:
    planted = "const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s); window.owned"
    assert page.run(planted) is None
    assert page.run("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert page.run("try { eval('1') } catch (e) { e.name }") is not None
    page.requests[:] = [url for url in page.requests if url.startswith(sb.url)]
    page.complaints.clear()


def test_it_is_one_document(sb: xdrkit.Sandbox, page: Browser) -> None:
    paths = {url[len(sb.url) :].split("?")[0] for url in page.requests if url.startswith(sb.url)}
    assert paths <= {"/", "/_sandbox/page", "/_sandbox/live", "/_sandbox/faults"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_it_fits_and_can_be_read(page: Browser, width: int, dark: bool) -> None:
    page.size(width, 900, dark=dark)
    ask(page, "DeviceInfo | take 5")
    assert page.run("document.documentElement.scrollWidth") <= width
    # Texts and their grounds are at least 4.5 to 1 apart (WCAG AA).
    assert page.run(CONTRAST) == []
    assert page.run(UNNAMED) == []


def test_the_picture_of_the_documentation(tmp_path: Path) -> None:
    with xdrkit.sandbox(now="2026-11-21T12:00:00Z") as sb, Browser(tmp_path) as browser:
        browser.size(1100, 900)
        browser.open(f"{sb.url}/")
        browser.until("document.body && document.body.dataset.ready")
        with sb.user_client() as client:
            client.hunt("DeviceInfo | take 5")
            machine: Any = client.machines.list(filter="riskScore eq 'High'").first()
            client.machines.isolate(machine["id"], comment="A test")
            client.incidents.list().first()
        ask(
            browser,
            str(
                browser.run(
                    "$('sample').selectedIndex = 2; $('sample').dispatchEvent(new Event('change')); $('query').value"
                )
            ),
        )
        browser.until("document.querySelector('#requests').innerText.includes('machines.isolate')")
        light = browser.picture()
        browser.size(1100, 900, dark=True)
        dark = browser.picture()
        assert light[:4] == dark[:4] == b"\x89PNG"
        assert light != dark
        for picture in (light, dark):
            assert len(picture) < LIMIT
        if os.environ.get("MAKE_PICTURES"):
            PICTURE.write_bytes(light)
            (tmp_path.parent / "dark.png").write_bytes(dark)
    assert PICTURE.exists()
    assert PICTURE.stat().st_size < LIMIT
