"""A report that a database takes its time for."""

import psycopg
from django.conf import settings
from django.http import JsonResponse

SLOW = "SELECT 1 FROM pg_sleep(0.2)"


async def mistake(request):
    with psycopg.connect(**settings.POSTGRESQL) as connection:
        rows = connection.execute(SLOW).fetchall()  # blocks
    return JsonResponse({"rows": rows})


async def fixed(request):
    async with await psycopg.AsyncConnection.connect(**settings.POSTGRESQL) as connection:
        rows = await (await connection.execute(SLOW)).fetchall()
    return JsonResponse({"rows": rows})
