"""Answers whether the loops of a process serve requests: to readers in the process, probes, and systemd.

No loop takes part in the answer, so it also comes while all of them are blocked.
"""
