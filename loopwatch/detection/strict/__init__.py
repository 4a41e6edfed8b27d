"""Strict mode, for tests: finds calls that are known to block, however long they took."""
