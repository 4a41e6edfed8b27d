"""A password is hashed."""

import asyncio

import bcrypt
from django.http import HttpResponse

SALT = bcrypt.gensalt(rounds=12)


async def mistake(request):
    return HttpResponse(bcrypt.hashpw(b"read more books", SALT))  # blocks


async def fixed(request):
    return HttpResponse(await asyncio.to_thread(bcrypt.hashpw, b"read more books", SALT))
