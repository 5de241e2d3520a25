"""Signing in with a real browser: headless Chromium between the sandbox's sign-in page and our listener, with no help from the test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit

pytestmark = pytest.mark.dev

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Chromium:
    """A browser that shows one page and everything that this leads to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def open(self, page: xdrkit.SignInPage) -> bool:
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--ignore-certificate-errors",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
            f"--user-data-dir={self.folder / 'profile'}",
            "--virtual-time-budget=20000",
            "--dump-dom",
        ]
        self.process = subprocess.Popen(
            [str(CHROMIUM), *options, page.url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return True

    def last_page(self) -> str:
        assert self.process is not None
        return self.process.communicate(timeout=60)[0].decode()


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: the sign-in was not tried with a real browser")
    browser = Chromium(tmp_path)
    yield browser
    if browser.process is not None and browser.process.poll() is None:
        browser.process.kill()
        browser.process.wait()


def test_a_person_signs_in_with_a_real_browser(chromium: Chromium) -> None:
    """The page posts the code across origins by a script that its policy has to allow; the listener has to take what Chromium sends."""
    with xdrkit.sandbox(tls=True) as sb:
        where: dict[str, Any] = {"authority": sb.url, "ca_bundle": sb.ca_file}
        credential = xdrkit.InteractiveBrowserCredential(
            sb.tenant_id, sb.identity["public_client_id"], open_browser=chromium.open, timeout=60, **where
        )
        with xdrkit.Client(credential=credential, base_url=sb.url, ca_bundle=sb.ca_file) as client:
            assert client.whoami("graph")["user"] == sb.identity["user"]
    assert "<h1>Signed in</h1>" in chromium.last_page()
