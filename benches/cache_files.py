"""Several programs that keep sign-ins in one cache at the same time: xdrkit's beside msal-extensions'.

    python -m pip install msal-extensions      (into a virtual environment; cryptography comes with it)
    python benches/cache_files.py [--writers 6] [--seconds 8] [--json]

Each side gets the same number of processes that write as fast as they can, and a reader that looks at the bytes on disk all the
time, without any lock, as another program, a backup or a crash would find them. A read is torn if what is there is no whole,
well-formed cache: for msal-extensions JSON, for xdrkit a file whose seal opens. The seal is opened here with another implementation
of AES-GCM than the one that made it. xdrkit's writers are those of `tests/cache.rs`: a debug build, which makes them no faster.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
KEY = bytes([42] * 32)  # of tests/cache.rs
MAGIC = b"xdrkit\0\x01\x01"
Result = Dict[str, float]

PEER = """
import base64, json, os, sys, time
from msal_extensions import FilePersistence, PersistedTokenCache

place, seconds, number = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
encode = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
cache = PersistedTokenCache(FilePersistence(place))
end, turn, writes, failures, worst = time.monotonic() + seconds, 0, 0, 0, 0.0
while time.monotonic() < end:
    who = f"user-{(number + turn) % 4}"
    turn += 1
    began = time.monotonic()
    try:
        cache.add({
            "client_id": "app", "scope": ["s"], "token_endpoint": "https://login.example/tenant/oauth2/v2.0/token",
            "response": {
                "access_token": "at", "expires_in": 3600, "token_type": "Bearer", "refresh_token": f"{turn}." + "r" * 1500,
                "client_info": encode({"uid": who, "utid": "tenant"}),
                "id_token": f"e30.{encode({'oid': who, 'tid': 'tenant', 'preferred_username': who, 'aud': 'app'})}.x",
            },
        })
        writes += 1
    except Exception:
        failures += 1
    worst = max(worst, time.monotonic() - began)
print(json.dumps([writes, failures, worst]))
"""


def watch(seconds: float, look: Callable[[], Optional[bool]]) -> Tuple[int, int]:
    """Looks for so long; how often there was something to read, and how often it was torn."""
    end, reads, torn = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        whole = look()
        reads += whole is not None
        torn += whole is False
    return reads, torn


def peer(writers: int, seconds: float) -> Result:
    """msal-extensions: one file for all accounts, in plain text."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "cache.json")
        command = [sys.executable, "-W", "ignore", "-c", PEER, str(path)]
        subprocess.run([*command, "0.2", "0"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def look() -> Optional[bool]:
            try:
                text = path.read_bytes()
            except FileNotFoundError:
                return None
            try:
                return bool(json.loads(text))
            except ValueError:
                return False

        children = [
            subprocess.Popen([*command, str(seconds), str(n)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for n in range(writers)
        ]
        reads, torn = watch(seconds, look)
        counts = [json.loads(child.communicate()[0]) for child in children]
    return {
        "writes": sum(c[0] for c in counts),
        "failed writes": sum(c[1] for c in counts),
        "worst write, s": max(c[2] for c in counts),
        "reads": reads,
        "torn reads": torn,
    }


def test_binary() -> str:
    """The program of tests/cache.rs, built if need be."""
    command = ["cargo", "test", "--no-default-features", "--test", "cache", "--no-run", "--message-format=json"]
    built = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout.splitlines()
    artifacts = [json.loads(line) for line in built]
    return next(str(a["executable"]) for a in artifacts if a.get("executable") and a["target"]["name"] == "cache")


def opens(path: Path) -> Optional[bool]:
    """Whether a file of ours is whole. Nothing there: no answer."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    with contextlib.suppress(FileNotFoundError):
        data = path.read_bytes()
        key = hmac.new(KEY, b"seal of xdrkit's cache, 1", hashlib.sha256).digest()
        nonce, sealed = data[len(MAGIC) : len(MAGIC) + 12], data[len(MAGIC) + 12 :]
        try:
            text = AESGCM(key).decrypt(nonce, sealed, MAGIC + path.name.encode())
            return bool(data.startswith(MAGIC) and json.loads(text)["refresh_token"])
        except (InvalidTag, ValueError):
            return False
    return None


def ours(writers: int, seconds: float) -> Result:
    """xdrkit: one sealed file for each account."""
    binary = test_binary()
    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as open_files:
        env = {**os.environ, "XDRKIT_TEST_CACHE": str(Path(place, "cache"))}

        def run(test: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
            command = [binary, "--exact", test, "--ignored", "--nocapture", "--test-threads=1"]
            return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=log)

        logs = [open_files.enter_context(tempfile.TemporaryFile()) for _ in range(writers)]
        run("a_beginning", logs[0]).wait()
        files = sorted(Path(place, "cache").glob("*.account"))
        children = [run("a_writer", log) for log in logs]
        turn = 0

        def look() -> Optional[bool]:
            nonlocal turn
            turn += 1
            return opens(files[turn % len(files)])

        reads, torn = watch(seconds, look)
        for child in children:
            child.kill()
            child.wait()
        lines: List[bytes] = []
        for log in logs:
            log.seek(0)
            lines += log.read().splitlines()
        # Each line is "wrote ACCOUNT NUMBER MICROSECONDS".
        wrote = [line.split() for line in lines if line.startswith(b"wrote ")]
        lost = len(files) - sum(opens(path) is True for path in files)
    return {
        "writes": len(wrote),
        "failed writes": len(lines) - len(wrote),
        "worst write, s": max((int(w[3]) for w in wrote), default=0) / 1e6,
        "reads": reads,
        "torn reads": torn,
        "lost accounts": lost,
    }


def main() -> None:
    """Runs both, one after the other, and prints them side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--writers", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    version = importlib.metadata.version("msal-extensions")
    results = {"xdrkit": ours(options.writers, options.seconds)}
    results[f"msal-extensions {version}"] = peer(options.writers, options.seconds)
    if options.json:
        print(json.dumps(results, indent=1))
        return
    print(f"{options.writers} writers for {options.seconds:g} s")
    for name, result in results.items():
        print(f"  {name}")
        for what, count in result.items():
            print(f"    {what:<16}{count:>10.3f}" if what.endswith(", s") else f"    {what:<16}{count:>10.0f}")


if __name__ == "__main__":
    main()
