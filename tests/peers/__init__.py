"""Other clients, unmodified, at work in the sandbox: whether it is what they take it for. `make test-peers`."""
