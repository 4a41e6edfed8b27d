"""What the process pools of the examples run: a pool can only be given functions of modules."""

import io

from openpyxl import Workbook
from PIL import Image


def compute(data):
    return sum(data)


def thumbnail_of(path):
    with Image.open(path) as picture, io.BytesIO() as made:
        picture.thumbnail((10, 10))
        picture.save(made, "PNG")
        return made.getvalue()


def workbook_of(rows):
    workbook, made = Workbook(write_only=True), io.BytesIO()
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append(row)
    workbook.save(made)
    return made.getvalue()
