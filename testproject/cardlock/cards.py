import hmac
from dataclasses import dataclass

from testproject.cardlock.stretching import stretch


@dataclass(frozen=True, slots=True)
class StoredCard:
    """What a site keeps of a card: never the secret, only its stretched key and how it was stretched."""

    salt: bytes
    rounds: int
    key: bytes

    def opens_with(self, secret: str) -> bool:
        return hmac.compare_digest(stretch(secret, self.salt, self.rounds), self.key)
