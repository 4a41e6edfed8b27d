from django.db import models


class Message(models.Model):
    room = models.CharField(max_length=50, db_index=True)
    author = models.CharField(max_length=150)
    text = models.CharField(max_length=1000)
    sent_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.author}: {self.text}"
