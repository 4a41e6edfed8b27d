"""The thumbnail of a cover."""

import asyncio
import io

from django.http import HttpResponse
from PIL import Image

cover = Image.effect_noise((1600, 1600), 80)


def as_png():
    file = io.BytesIO()
    cover.save(file, "PNG")  # blocks
    return file.getvalue()


async def mistake(request):
    return HttpResponse(as_png())


async def fixed(request):
    return HttpResponse(await asyncio.to_thread(as_png))
