from django.db import models


class Note(models.Model):
    """A note about a book, sometimes pasted from a word processor with all its spaces."""

    author = models.CharField(max_length=100)
    text = models.TextField()

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:40]}"


class Rating(models.Model):
    """What our two reviewers gave one book, 0 to 100."""

    anna = models.PositiveSmallIntegerField()
    bert = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.anna}/{self.bert}"
