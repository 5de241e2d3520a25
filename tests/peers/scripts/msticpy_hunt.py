"""msticpy's driver for one of the services signs in with its own MSAL and hunts; prints the rows as JSON."""

import os
import sys

from msticpy.data import QueryProvider

environment, query = sys.argv[1:]
provider = QueryProvider(environment)
provider.connect(
    tenant_id=os.environ["AZURE_TENANT_ID"],
    client_id=os.environ["AZURE_CLIENT_ID"],
    client_secret=os.environ["AZURE_CLIENT_SECRET"],
)
frame = provider.exec_query(query)
print("ROWS " + frame.to_json(orient="records", date_format="iso", date_unit="us"))
