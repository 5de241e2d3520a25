"""How long worlds take to start and what they weigh: each in a process of its own.

python benches/worlds.py
"""

from __future__ import annotations

import subprocess
import sys

ONE = """
import sys, time
import xdrkit

def weight():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

query = "DeviceProcessEvents | where ProcessCommandLine has 'vssadmin' | project Timestamp, DeviceName, FileName"
before = weight()
start = time.perf_counter()
sb = xdrkit.sandbox(world=sys.argv[1])
started = time.perf_counter() - start
idle = weight()
with sb.client() as client:
    start = time.perf_counter()
    client.hunt(query)
    first = time.perf_counter() - start
    start = time.perf_counter()
    rows = len(client.hunt(query))
    again = time.perf_counter() - start
    start = time.perf_counter()
    client.hunt("DeviceNetworkEvents | take 10")
    taken = time.perf_counter() - start
print(f"{sys.argv[1]:10} start {started * 1000:7.1f} ms  +{idle - before:6.1f} MB  first query {first * 1000:8.1f} ms  "
      f"again {again * 1000:8.1f} ms  take 10 {taken * 1000:8.1f} ms  +{weight() - before:6.1f} MB  ({rows} rows)")
sb.close()
"""


def main() -> None:
    """Measure each world."""
    for world in ("empty", "intrusion", "large"):
        subprocess.run([sys.executable, "-c", ONE, world], check=True)


if __name__ == "__main__":
    main()
