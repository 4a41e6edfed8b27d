from django.conf import settings
from django.db import models

from testproject.cardlock import StoredCard


class MembershipCard(models.Model):
    """The card a member identifies with in the shop's own programs."""

    member = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="card")
    number = models.CharField(max_length=20, unique=True)
    salt = models.BinaryField()
    rounds = models.PositiveIntegerField()
    key = models.BinaryField()

    def __str__(self) -> str:
        return self.number

    def stored(self) -> StoredCard:
        return StoredCard(salt=bytes(self.salt), rounds=self.rounds, key=bytes(self.key))
