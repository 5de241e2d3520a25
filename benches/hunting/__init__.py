"""Hunting beside other clients: one run side by side, in fresh processes, against prepared answers on the loopback.

`python -m benches.hunting --help` says how; docs/performance.md says what is measured and has the table.
"""
