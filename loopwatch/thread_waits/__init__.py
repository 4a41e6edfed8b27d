"""The other blockage of async Django: calls that wait for the thread in which ``sync_to_async`` runs them.

The event loop is free meanwhile, so these are no stalls, and nothing here knows of stalls.
"""
