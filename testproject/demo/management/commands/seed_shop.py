from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from testproject.catalogue.models import Book
from testproject.demo.seeding import seed


class Command(BaseCommand):
    help = "Fills an empty bookshop with data; leaves a shop that has any alone."

    def handle(self, **_options: Any) -> None:
        if Book.objects.exists():
            self.stdout.write("The shop has its books already.")
            return
        with transaction.atomic():
            seed()
        self.stdout.write(f"The shop has {Book.objects.count()} books now.")
