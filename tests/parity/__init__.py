"""The parity suite: every system on every backend."""
