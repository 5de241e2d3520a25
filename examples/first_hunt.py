"""Find encoded PowerShell of the last week and count it by machine. Runs on the sandbox; no tenant is needed."""

from collections import Counter

import xdrkit

QUERY = """
DeviceProcessEvents
| where FileName =~ 'powershell.exe' and ProcessCommandLine has_any ('-enc', '-EncodedCommand')
| project Timestamp, DeviceName, AccountName, InitiatingProcessFileName
| sort by Timestamp asc
"""

# For your own tenant: `with xdrkit.Client() as client:` and the AZURE_ variables.
with xdrkit.sandbox() as sb, sb.client() as client:
    result = client.hunt(QUERY, since="7d")
    print(result)
    for machine, count in Counter(row["DeviceName"] for row in result).most_common():
        print(f"{count:4} {machine}")
