"""The stock as a spreadsheet."""

import asyncio
import io

import openpyxl
from django.http import HttpResponse

stock = openpyxl.Workbook()
for number in range(4000):
    stock.active.append([number, f"Book {number}", number * 1.5, "in stock"])


def export():
    file = io.BytesIO()
    stock.save(file)  # blocks
    return file.getvalue()


async def mistake(request):
    return HttpResponse(export())


async def fixed(request):
    return HttpResponse(await asyncio.to_thread(export))
