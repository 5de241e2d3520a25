"""What a large export costs: memory and CPU time of `exports.download`, beside a plain program of requests, gzip and json.

    .venv/bin/python benches/exports.py [--rows N] [--json]

The files lie ready and are served by a process of their own; each measured program is a child that says what it used. Memory is
the most that a child held at any moment, less what it held after its imports.
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = 20
MOST_MB = 300

XDRKIT = """
import xdrkit
client = xdrkit.Client(credential=xdrkit.StaticTokenCredential("t"), base_url=URL)
begin()
rows = client.exports.download("vulnerabilities", to=TO, format=FORMAT).rows
end(rows)
"""
# What a careful person writes by hand: streamed, several parts at a time, written line by line.
PLAIN = """
import concurrent.futures, gzip, json
try:
    import requests
    fetch = lambda url: requests.get(url, stream=True).raw
except ImportError:
    import urllib.request
    fetch = urllib.request.urlopen
def part(i, url):
    rows = 0
    with gzip.open(fetch(url), "rt", encoding="utf-8") as lines, open(f"{TO}/{i}.ndjson", "w", encoding="utf-8") as out:
        for line in lines:
            json.dump(json.loads(line), out)
            out.write("\\n")
            rows += 1
    return rows
def parquet(i, url):
    import pyarrow as pa, pyarrow.parquet as pq
    rows, batch, writer = 0, [], None
    def flush():
        nonlocal batch, writer
        table = pa.Table.from_pylist(batch)
        writer = writer or pq.ParquetWriter(f"{TO}/{i}.parquet", table.schema)
        writer.write_table(table)
        batch = []
    with gzip.open(fetch(url), "rt", encoding="utf-8") as lines:
        for line in lines:
            batch.append(json.loads(line))
            rows += 1
            if len(batch) == 4096:
                flush()
    flush()
    writer.close()
    return rows
import os
os.makedirs(TO, exist_ok=True)
if FORMAT == "parquet":
    import pyarrow, pyarrow.parquet
begin()
urls = json.load(fetch(URL + "/api/machines/SoftwareVulnerabilitiesExport"))["exportFiles"]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    end(sum(pool.map(parquet if FORMAT == "parquet" else part, range(len(urls)), urls)))
"""
MEASURE = """
import json, resource, sys, time
URL, TO, FORMAT = sys.argv[1:]
def used():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime, u.ru_maxrss / 1024, time.perf_counter()
def begin():
    global before
    before = used()
def end(rows):
    now = used()
    print(json.dumps({"rows": rows, "cpu": now[0] - before[0], "peak": now[1], "more": now[1] - before[1], "wall": now[2] - before[2]}))
"""


def row(part: int, i: int) -> dict[str, Any]:
    """A row as the service writes it."""
    return {
        "id": f"{part:02}{i:014x}_chrome_96.0_CVE-2021-{i % 9999}",
        "deviceId": f"{i * 2654435761 % 2**160:040x}",
        "rbacGroupName": f"group {part % 5}",
        "rbacGroupId": part % 5,
        "deviceName": f"machine-{i}.contoso.com",
        "osPlatform": "Windows11",
        "osVersion": "10.0.22631.4460",
        "osArchitecture": "x64",
        "softwareVendor": "google",
        "softwareName": "chrome",
        "softwareVersion": f"96.0.{i % 5000}.45",
        "cveId": f"CVE-2021-{i % 9999}",
        "vulnerabilitySeverityLevel": "High",
        "recommendedSecurityUpdate": "2021-12 Security Updates",
        "recommendedSecurityUpdateId": None,
        "diskPaths": [f"C:\\\\Program Files\\\\Google\\\\Chrome\\\\{i}\\\\chrome.exe"],
        "registryPaths": [],
        "lastSeenTimestamp": "2026-11-20 14:17:26.0",
        "firstSeenTimestamp": "2026-10-01 04:01:12.0",
        "exploitabilityLevel": "ExploitIsVerified",
        "recommendationReference": "va-_-google-_-chrome",
        "cvssScore": 8.8,
        "securityUpdateAvailable": True,
    }


def write_parts(folder: Path, rows: int) -> None:
    """The files of the service."""
    share = rows // PARTS
    for part in range(PARTS):
        with gzip.open(folder / f"part-{part:05}.json.gz", "wb", compresslevel=6) as out:
            for i in range(share):
                out.write(json.dumps(row(part, i), separators=(",", ":")).encode() + b"\n")


def serve(folder: Path, told: Any) -> None:
    """The service and its storage, until the parent ends it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/api/"):
                host = f"http://{self.headers['Host']}"
                files = [f"{host}/{path.name}?sig=x" for path in sorted(folder.glob("*.gz"))]
                body = json.dumps({"exportFiles": files, "generatedTime": "2026-11-21T06:00:00Z"}).encode()
            else:
                body = (folder / Path(self.path.partition("?")[0]).name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    thread.join()


def measured(program: str, url: str, to: Path, format: str) -> dict[str, float]:
    """What a child used."""
    command = [sys.executable, "-c", MEASURE + program, url, str(to), format]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "NO_PROXY": "*"})
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows in all (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    rows: dict[str, float] = {}
    say: Callable[..., None] = (lambda *words: None) if options.json else print
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "parts").mkdir()
        write_parts(folder / "parts", options.rows)
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(folder / "parts", theirs), daemon=True)
        server.start()
        url = f"http://127.0.0.1:{ours.recv()}"
        say(f"{'':24}{'rows':>12}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'more MB':>9}")
        for format in ("ndjson", "parquet", "arrow"):
            found = {}
            for name, program in (("xdrkit", XDRKIT), ("plain", PLAIN)):
                if name == "plain" and format == "arrow":
                    continue
                used = found[name] = measured(program, url, folder / f"{name}-{format}", format)
                say(
                    f"{name + ', ' + format:24}{used['rows']:12,.0f}{used['cpu']:9.2f}{used['wall']:9.2f}"
                    f"{used['peak']:9.0f}{used['more']:9.0f}"
                )
                rows |= {f"{name} {format} {fact}": value for fact, value in used.items()}
            if "plain" in found:
                ratio = rows[f"{format} ratio"] = found["plain"]["cpu"] / found["xdrkit"]["cpu"]
                say(f"{'':24}plain needs {ratio:.1f} times the CPU time")
        server.terminate()
    if options.json:
        print(json.dumps(rows))
    peak = max(value for name, value in rows.items() if name.startswith("xdrkit") and name.endswith("peak"))
    if peak > MOST_MB:
        sys.exit(f"an export took {peak:.0f} MB; {MOST_MB} MB is the most")


if __name__ == "__main__":
    main()
