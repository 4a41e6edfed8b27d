"""Names a finding by two calls: the one that the in-app function made, and the one that took the time inside it."""


def headline(*, called: str, detail: str) -> str:
    """Return ``requests.get → http.client.HTTPConnection.getresponse``, or one name if both are the same."""
    return f"{called} → {detail}" if called and called != detail else detail
