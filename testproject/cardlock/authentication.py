from testproject.cardlock.cards import StoredCard


def authenticate(secret: str, card: StoredCard | None) -> bool:
    """Whether ``secret`` opens ``card``; an unknown card is never opened."""
    return card is not None and card.opens_with(secret)
