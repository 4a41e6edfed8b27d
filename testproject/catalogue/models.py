from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200)
    author = models.CharField(max_length=100)
    price_pence = models.PositiveIntegerField()
    copies = models.PositiveIntegerField(default=0)
    first_sold_on = models.DateField()
    is_bestseller = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.title}, by {self.author}"

    @property
    def price(self) -> float:
        return self.price_pence / 100


class Supplier(models.Model):
    """A publisher who sends scanned leaflets, whose scanner writes pages of ``page_bytes``."""

    name = models.CharField(max_length=100)
    page_bytes = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.name
