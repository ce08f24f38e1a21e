"""What a Python worker of Crosspoint runs: it loads connector packages and serves calls on them.

The contract with the host is `docs/python-worker.md`. Only the standard library is used, so that nothing has to be
installed beside the connectors, and every Python from 3.9 on will do.
"""

PROTOCOL = 1
"""The version of the wire that this worker speaks."""
