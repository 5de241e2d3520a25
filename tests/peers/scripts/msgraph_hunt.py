"""msgraph-sdk signs in with azure-identity and hunts; prints the rows as JSON."""

import asyncio
import json
import os
import sys

from azure.identity.aio import ClientSecretCredential
from msgraph import GraphServiceClient
from msgraph.generated.security.microsoft_graph_security_run_hunting_query.run_hunting_query_post_request_body import (
    RunHuntingQueryPostRequestBody,
)


async def main(query: str) -> None:
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    async with ClientSecretCredential(*(os.environ[name] for name in names)) as credential:
        client = GraphServiceClient(credential, scopes=["https://graph.microsoft.com/.default"])
        found = await client.security.microsoft_graph_security_run_hunting_query.post(
            RunHuntingQueryPostRequestBody(query=query, timespan="P20D")
        )
        incidents = await client.security.incidents.get()
        json.dump(
            {
                "schema": [[column.name, column.type] for column in found.schema],
                "rows": [row.additional_data for row in found.results],
                "incidents": [incident.id for incident in incidents.value],
            },
            sys.stdout,
            default=str,
        )


asyncio.run(main(sys.argv[1]))
