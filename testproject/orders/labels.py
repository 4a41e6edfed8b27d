"""Address labels, printed by a program of their own."""

import asyncio
import subprocess
import sys
from pathlib import Path

from django.http import HttpRequest, JsonResponse
from django.shortcuts import aget_object_or_404
from django.views.decorators.http import require_POST

from testproject.orders.models import Order

PRINT = [sys.executable, "-I", "-S", str(Path(__file__).with_name("label_printer.py"))]


@require_POST
async def print_label(_request: HttpRequest, pk: int) -> JsonResponse:
    order = await aget_object_or_404(Order, pk=pk)
    printed = subprocess.run([*PRINT, order.customer], capture_output=True, check=True)
    return JsonResponse({"label": printed.stdout.decode()})


@require_POST
async def print_label_fixed(_request: HttpRequest, pk: int) -> JsonResponse:
    order = await aget_object_or_404(Order, pk=pk)
    printer = await asyncio.create_subprocess_exec(*PRINT, order.customer, stdout=subprocess.PIPE)
    label, _ = await printer.communicate()
    return JsonResponse({"label": label.decode()})
