"""What a query over a million rows costs that are here already: CPU time and memory of `result.query`."""
