"""Sends stalls to the live page as they happen, over a WebSocket. Only this package needs Channels.

Nothing is sent unless a page may be open.
"""
