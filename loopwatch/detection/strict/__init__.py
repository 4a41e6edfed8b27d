"""Strict mode: calls known to block, found by what they are and not by how long they took. For tests."""
