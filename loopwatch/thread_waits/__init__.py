"""Measures how long calls wait for the thread in which ``sync_to_async`` runs them.

The event loop is free meanwhile, so these waits are not stalls, and this room does not know stalls.
"""
