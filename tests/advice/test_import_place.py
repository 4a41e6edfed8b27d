import pytest

from loopwatch.advice.import_place import import_place

ASYNCIO, ASGIREF = "import asyncio", "from asgiref.sync import sync_to_async"


def with_import(source, needed):
    """Insert the import where ``import_place`` says, as the patch does."""
    place = import_place(source, needed)
    lines = source.split("\n")
    lines[place.lineno - 1 : place.lineno - 1] = [*[""] * place.blank_before, needed, *[""] * place.blank_after]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("before", "needed", "after"),
    [
        ("import abc\nimport time\nx = 1\n", ASYNCIO, f"import abc\n{ASYNCIO}\nimport time\nx = 1\n"),
        ("import time\n", ASYNCIO, f"{ASYNCIO}\nimport time\n"),
        ("from time import sleep\n", ASYNCIO, f"{ASYNCIO}\nfrom time import sleep\n"),
        ("import abc\n\nimport django\n", ASYNCIO, f"import abc\n{ASYNCIO}\n\nimport django\n"),
        ("import django\n", ASYNCIO, f"{ASYNCIO}\n\nimport django\n"),
        ("import abc\nx = 1\n", ASGIREF, f"import abc\n\n{ASGIREF}\nx = 1\n"),
        ("from django import forms\n", ASGIREF, f"{ASGIREF}\nfrom django import forms\n"),
        ("from . import models\n", ASGIREF, f"{ASGIREF}\n\nfrom . import models\n"),
        ('"""Docs."""\nx = 1\n', ASYNCIO, f'"""Docs."""\n\n{ASYNCIO}\nx = 1\n'),
        ("x = 1\n", ASYNCIO, f"{ASYNCIO}\n\nx = 1\n"),
        ("#!/usr/bin/env python\nx = 1\n", ASYNCIO, f"#!/usr/bin/env python\n\n{ASYNCIO}\n\nx = 1\n"),
        (
            "#!/usr/bin/env python\n# vim: set fileencoding=utf-8 :\n# The answer.\nx = 1\n",
            ASYNCIO,
            f"#!/usr/bin/env python\n# vim: set fileencoding=utf-8 :\n\n{ASYNCIO}\n\n# The answer.\nx = 1\n",
        ),
        ("\n# coding: latin-1\nx = 1\n", ASYNCIO, f"\n# coding: latin-1\n\n{ASYNCIO}\n\nx = 1\n"),
        ("# Licence: MIT\n# All of it\n\nx = 1\n", ASYNCIO, f"# Licence: MIT\n# All of it\n\n{ASYNCIO}\n\nx = 1\n"),
        ("# The answer.\nx = 1\n", ASYNCIO, f"{ASYNCIO}\n\n# The answer.\nx = 1\n"),
        (
            "from __future__ import annotations\nx = 1\n",
            ASYNCIO,
            f"from __future__ import annotations\n\n{ASYNCIO}\nx = 1\n",
        ),
        ("x = 1\nimport time\n", ASYNCIO, f"{ASYNCIO}\n\nx = 1\nimport time\n"),
        (
            "from django.contrib.auth import authenticate\n",
            "from django.contrib.auth import aauthenticate",
            "from django.contrib.auth import authenticate\nfrom django.contrib.auth import aauthenticate\n",
        ),
    ],
)
def test_an_import_goes_where_isort_would_put_it(before, needed, after):
    assert with_import(before, needed) == after
