from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from testproject.demo.past import make_past


class Command(BaseCommand):
    help = "Adds a made-up day to what the demo's traffic has left, for pictures that show trends."

    def handle(self, **_options: Any) -> None:
        with transaction.atomic():
            make_past()
