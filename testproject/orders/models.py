from django.db import models

from testproject.catalogue.models import Book


class Order(models.Model):
    book = models.ForeignKey(Book, models.CASCADE, related_name="orders")
    customer = models.CharField(max_length=100)
    placed_at = models.DateTimeField()
    is_paid = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"order {self.pk} of {self.customer}"
