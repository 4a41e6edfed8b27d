"""cardlock: membership cards with a secret, as a small authentication library that a site takes in.

``authenticate()`` is all a site calls. How a secret is compared and stretched is the library's own affair, which is
how a hash of a quarter of a second comes to hide three layers below a view.
"""

from testproject.cardlock.authentication import authenticate
from testproject.cardlock.cards import StoredCard
from testproject.cardlock.stretching import stretch

__all__ = ["StoredCard", "authenticate", "stretch"]
