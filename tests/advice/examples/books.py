"""The tables that the examples query, of an app that is not installed."""

import pytest
from django.db import connection, models


class Book(models.Model):
    title = models.CharField(max_length=100)
    price = models.IntegerField()

    class Meta:
        app_label = "examples_of_advice"

    def __str__(self):
        return f"{type(self).__name__} {self.pk}"


class Order(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)

    class Meta:
        app_label = "examples_of_advice"

    def __str__(self):
        return f"{type(self).__name__} {self.pk}"


@pytest.fixture
def books(transactional_db):
    """Two books, of which the cheaper was ordered twice."""
    with connection.schema_editor() as editor:
        editor.create_model(Book)
        editor.create_model(Order)
    emma, ulysses = Book.objects.create(title="Emma", price=5), Book.objects.create(title="Ulysses", price=50)
    for book in (emma, ulysses, emma):
        Order.objects.create(book=book)
    yield [emma, ulysses]
    with connection.schema_editor() as editor:
        editor.delete_model(Order)
        editor.delete_model(Book)
