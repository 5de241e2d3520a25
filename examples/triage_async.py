"""Three hunts at once and the active incidents, with the async client."""

import asyncio

import xdrkit

HUNTS = {
    "logons": "DeviceLogonEvents | where ActionType == 'LogonFailed' | summarize Failed = count() by AccountName | top 3 by Failed",
    "mail": "EmailEvents | where isnotempty(ThreatTypes) | summarize Mails = count() by SenderFromDomain | top 3 by Mails",
    "alerts": "AlertInfo | summarize Alerts = count() by Severity",
}


async def main() -> None:
    async with xdrkit.sandbox() as sb, sb.async_client() as client:
        results = await asyncio.gather(*(client.hunt(query, since="7d") for query in HUNTS.values()))
        for name, result in zip(HUNTS, results):
            print(f"{name}: {len(result)} rows in {result.elapsed * 1000:.0f} ms from {result.api}")
            print(result)
        async for incident in client.incidents.list(filter="status eq 'Active'"):
            print(incident["incidentId"], incident["severity"], incident["incidentName"])


asyncio.run(main())
