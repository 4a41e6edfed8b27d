"""Suppliers upload scanned leaflets; every page is made durable before the next is written."""

import asyncio
import os
import tempfile
from typing import IO

from django.conf import settings
from django.core.files import File
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import aget_object_or_404
from django.views.decorators.http import require_POST

from testproject.catalogue.models import Supplier


@require_POST
async def receive(request: HttpRequest, supplier: int) -> HttpResponse:
    sender = await aget_object_or_404(Supplier, pk=supplier)
    upload = request.FILES.get("scan")
    if not isinstance(upload, File):
        return HttpResponseBadRequest("a scan is missing")
    return JsonResponse({"pages": save_scan(upload, sender.page_bytes)})


@require_POST
async def receive_fixed(request: HttpRequest, supplier: int) -> HttpResponse:
    sender = await aget_object_or_404(Supplier, pk=supplier)
    upload = request.FILES.get("scan")
    if not isinstance(upload, File):
        return HttpResponseBadRequest("a scan is missing")
    return JsonResponse({"pages": await asyncio.to_thread(save_scan, upload, sender.page_bytes)})


def save_scan(upload: "File[bytes]", page_bytes: int) -> int:
    """Write the upload to the scans folder, page by page, and return how many pages there were.

    A real shop would keep the file; the demo takes it away again, so that a disk never fills up.
    """
    folder = settings.DATA_DIR / "scans"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as scan:
        return write_pages(upload, scan, page_bytes)


def write_pages(upload: "File[bytes]", scan: IO[bytes], page_bytes: int) -> int:
    pages = 0
    while page := upload.read(page_bytes):
        scan.write(page)
        scan.flush()
        os.fsync(scan.fileno())
        pages += 1
    return pages
