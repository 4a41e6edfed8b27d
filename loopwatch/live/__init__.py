"""The live page's feed: stalls as they happen, over a WebSocket. Needs Channels; nothing else of loopwatch does.

Nothing is sent to the loop's thread, or anywhere, unless somebody may be looking.
"""
