"""Asks the moderator, a service elsewhere, whether a message may be shown."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

from django.conf import settings


def is_welcome(text: str) -> bool:
    moderator = HTTPConnection(urlsplit(settings.UPSTREAM_URL).netloc, timeout=5)
    try:
        moderator.request("POST", "/moderate/", body=text.encode())
        answer = moderator.getresponse()
        return bool(json.load(answer)["welcome"])
    finally:
        moderator.close()
