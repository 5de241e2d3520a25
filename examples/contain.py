"""Isolate every machine at high risk, wait for each, and say what came of it."""

import xdrkit

with xdrkit.sandbox() as sb, sb.client() as client:
    for machine in client.machines.list(filter="riskScore eq 'High'"):
        try:
            action = client.machines.isolate(machine["id"], comment="case 42", isolation_type="Full")
            action = client.machine_actions.wait(action["id"])
            print(machine["computerDnsName"], action["status"])
        except xdrkit.errors.ConflictError:
            print(machine["computerDnsName"], "is being isolated by somebody else")
        except xdrkit.errors.ActionOutcomeUnknownError as error:
            print(machine["computerDnsName"], "nobody knows:", error)
