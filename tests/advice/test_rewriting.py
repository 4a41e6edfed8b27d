import ast
from dataclasses import dataclass
from importlib import import_module

import pytest

from loopwatch.advice import advice_for, coroutines, rewritten
from loopwatch.advice.coroutines import can_await
from loopwatch.advice.django_async_methods import _BY_OWNER, _CACHES, _QUERIES, async_method_of

SLEEP = advice_for("time.sleep", cause="waiting")


@dataclass(frozen=True)
class Place:
    lineno: int
    end_lineno: int
    column: int
    end_column: int


def rewrite(source, written, called_name="time.sleep", blocking_call=""):
    """Rewrite the first call in the source that is ``written`` so."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.get_source_segment(source, node) == written
    ]
    node = calls[0]
    place = Place(node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
    advice = advice_for(blocking_call or called_name, cause="waiting", called_name=called_name)
    return rewritten(source.split("\n"), place, called_name=called_name, advice=advice)


def text_of(source, written, called_name="time.sleep"):
    found = rewrite(source, written, called_name)
    return found and found.text


def in_coroutine(line):
    return f"import asyncio\nasync def view(request):\n    {line}\n"


def test_a_sleep_in_a_coroutine_function_becomes_asyncios():
    assert text_of(in_coroutine("time.sleep(PAUSE_S)  # why"), "time.sleep(PAUSE_S)") == (
        "await asyncio.sleep(PAUSE_S)  # why"
    )
    assert text_of(in_coroutine("sleep(1)"), "sleep(1)") == "await asyncio.sleep(1)"


@pytest.mark.parametrize(
    "source",
    [
        "def view(request):\n    time.sleep(1)\n",
        "time.sleep(1)\n",
        "async def view(request):\n    def inner():\n        time.sleep(1)\n",
        "async def view(request):\n    call(lambda: time.sleep(1))\n",
        "async def view(request):\n    any(time.sleep(1) for _ in rows)\n",
        "async def view(request):\n    class Inner:\n        nap = time.sleep(1)\n",
        "@decorate(time.sleep(1))\nasync def view(request):\n    pass\n",
        "async def view(request, nap=time.sleep(1)): pass\n",
        "async def view(request):\n    return f'{time.sleep(1)}'\n",
    ],
)
def test_a_call_outside_of_a_coroutine_function_is_not_rewritten(source):
    assert rewrite(source, "time.sleep(1)") is None


@pytest.mark.parametrize(
    ("line", "written", "called_name", "expected"),
    [
        (
            "rates = requests.get(url, timeout=5)",
            "requests.get(url, timeout=5)",
            "requests.get",
            "rates = await asyncio.to_thread(requests.get, url, timeout=5)",
        ),
        (
            "return requests.get(url).json()",
            "requests.get(url)",
            "requests.get",
            "return (await asyncio.to_thread(requests.get, url)).json()",
        ),
        ("x = get(url)[0]", "get(url)", "requests.get", "x = (await asyncio.to_thread(get, url))[0]"),
        ("x = rows[get(url)]", "get(url)", "requests.get", "x = rows[await asyncio.to_thread(get, url)]"),
        (
            "with urlopen(url) as answer: pass",
            "urlopen(url)",
            "urllib.request.urlopen",
            "with await asyncio.to_thread(urlopen, url) as answer: pass",
        ),
        (
            "answer = moderator.getresponse()",
            "moderator.getresponse()",
            "http.client.HTTPConnection.getresponse",
            "answer = await asyncio.to_thread(moderator.getresponse)",
        ),
        (
            "return render(request, 'a.html')",
            "render(request, 'a.html')",
            "django.shortcuts.render",
            "return await sync_to_async(render)(request, 'a.html')",
        ),
        (
            "book = Book.objects.get(pk=1)",
            "Book.objects.get(pk=1)",
            "django.db.models.manager.BaseManager._get_queryset_methods.create_method.manager_method",
            "book = await Book.objects.aget(pk=1)",
        ),
        (
            "pairs = bought().count()",
            "bought().count()",
            "django.db.models.QuerySet.count",
            "pairs = await bought().acount()",
        ),
        (
            "self.save()",
            "self.save()",
            "django.db.models.Model.save",
            "await self.asave()",
        ),
        (
            "super().put_object(Key=key)",
            "super().put_object(Key=key)",
            "botocore.client.S3.put_object",
            "await asyncio.to_thread(super().put_object, Key=key)",
        ),
        (
            "user = authenticate(request, **form)",
            "authenticate(request, **form)",
            "django.contrib.auth.authenticate",
            "user = await sync_to_async(authenticate)(request, **form)",
        ),
        (
            "good = user.check_password(word)",
            "user.check_password(word)",
            "django.contrib.auth.base_user.AbstractBaseUser.check_password",
            "good = await sync_to_async(user.check_password)(word)",
        ),
        (
            "s3.put_object(Key=key)",
            "s3.put_object(Key=key)",
            "botocore.client.S3.put_object",
            "await asyncio.to_thread(s3.put_object, Key=key)",
        ),
        (
            "s3.list_tags(Key=key)",
            "s3.list_tags(Key=key)",
            "botocore.client.ClientCreator._create_api_method._api_call",
            "await asyncio.to_thread(s3.list_tags, Key=key)",
        ),
        (
            "cache.set('a', 'ü')",
            "cache.set('a', 'ü')",
            "django.core.cache.backends.redis.RedisCache.set",
            "await cache.aset('a', 'ü')",
        ),
        (
            "total = cache.get_or_set('total', add)",
            "cache.get_or_set('total', add)",
            "django.core.cache.BaseCache.get_or_set",
            "total = await cache.aget_or_set('total', add)",
        ),
        (
            "naïve = 'é'; x = get('ö'); y = 'ü'",
            "get('ö')",
            "requests.get",
            "naïve = 'é'; x = await asyncio.to_thread(get, 'ö'); y = 'ü'",
        ),
    ],
)
def test_the_call_is_rewritten_in_its_line(line, written, called_name, expected):
    assert text_of(in_coroutine(line), written, called_name) == expected


def test_a_call_over_several_lines_keeps_them():
    source = in_coroutine("x = requests.get(\n        url,\n        timeout=5,\n    ).json()")
    written = "requests.get(\n        url,\n        timeout=5,\n    )"
    found = rewrite(source, written, "requests.get")
    assert found.text == "x = (await asyncio.to_thread(requests.get, url,\n        timeout=5,)).json()"
    ast.parse(f"async def view():\n    {found.text}")


@pytest.mark.parametrize(
    ("line", "written", "called_name"),
    [
        ("pairs = json.dumps(rows)", "json.dumps(rows)", "json.dumps"),
        ("get(url for url in urls)", "get(url for url in urls)", "requests.get"),
        ("verify(word, hashed)", "verify(word, hashed)", "django.contrib.auth.hashers.check_password"),
        ("rows.iterator()", "rows.iterator()", "django.db.models.QuerySet.iterator"),
        ("cart.total()", "cart.total()", "shop.cart.total"),
        ("for part in file.chunks(): pass", "file.chunks()", "django.core.files.base.File.chunks"),
        ("x = [line for line in got.iter_lines()]", "got.iter_lines()", "requests.Response.iter_lines"),
        ("with ZipFile(path) as z: pass", "ZipFile(path)", "zipfile.ZipFile.__exit__"),
        ("list(file.chunks())", "list(file.chunks())", "django.core.files.base.File.chunks"),
        ("nap(1)", "nap(1)", "time.sleep"),
        ("await client.get(key)", "client.get(key)", "redis.client.Redis.get"),
        ("async with client.get(key): pass", "client.get(key)", "redis.client.Redis.get"),
        ("async for _ in client.get(key): pass", "client.get(key)", "redis.client.Redis.get"),
        ("(sleep)(1)", "(sleep)(1)", "time.sleep"),
    ],
)
def test_a_call_without_a_certain_replacement_is_not_rewritten(line, written, called_name):
    assert rewrite(in_coroutine(line), written, called_name) is None


@pytest.mark.parametrize("call", ["super().save(using=alias)", "super(Order, self).save()", "models.Model.save(self)"])
def test_a_call_of_what_an_override_replaces_is_not_rewritten_because_the_async_method_calls_the_override(call):
    assert rewrite(in_coroutine(call), call, "django.db.models.Model.save") is None


def test_a_call_is_not_rewritten_to_one_of_the_function_that_makes_it():
    source = "class Order(Model):\n    async def asave(self):\n        self.save()\n"
    assert rewrite(source, "self.save()", "django.db.models.Model.save") is None


@pytest.mark.parametrize(
    ("line", "written", "called_name", "blocking_call"),
    [
        ("acme.fetch(url)", "acme.fetch(url)", "acme.fetch", "time.sleep"),
        ("sorted(books, key=price)", "sorted(books, key=price)", "sorted", "requests.get"),
        ("json.dumps(rows)", "json.dumps(rows)", "json.dumps", "open"),
    ],
)
def test_a_call_is_not_rewritten_by_the_advice_for_a_call_inside_of_it(line, written, called_name, blocking_call):
    assert rewrite(in_coroutine(line), written, called_name, blocking_call) is None


def test_a_call_is_rewritten_by_its_own_advice_whichever_call_inside_of_it_blocked():
    line = "session.get(url)"
    found = rewrite(in_coroutine(line), line, "requests.Session.get", "time.sleep")
    assert found.text == "await asyncio.to_thread(session.get, url)"


@pytest.mark.parametrize(
    "body",
    [
        "with lock:\n        time.sleep(1)",
        "with open(path), cache.lock('stock'):\n        time.sleep(1)",
        "with lock:\n        if late:\n            with open(path) as file:\n                time.sleep(1)",
        "with lock, pause(time.sleep(1)):\n        pass",
        "lock.acquire()\n    time.sleep(1)",
        "self.total += price(time.sleep(1))",
        "self.total = self.total + price(time.sleep(1))",
        "totals[day] = price(time.sleep(1)) + totals[day]",
        "global total\n    total += price(time.sleep(1))",
    ],
)
def test_a_call_is_not_rewritten_where_other_tasks_must_not_run(body):
    assert rewrite(in_coroutine(body), "time.sleep(1)") is None


@pytest.mark.parametrize(
    "body",
    [
        "async with lock:\n        time.sleep(1)",
        "with open(path) as file, contextlib.suppress(OSError):\n        time.sleep(1)",
        "with pause(time.sleep(1)), lock:\n        pass",
        "await lock.acquire()\n    time.sleep(1)",
        "total += price(time.sleep(1))",
        "self.total = price(time.sleep(1))",
    ],
)
def test_a_call_is_rewritten_where_other_tasks_may_run(body):
    assert rewrite(in_coroutine(body), "time.sleep(1)") is not None


@pytest.mark.parametrize("name", ["os.fork", "os.forkpty", "os.execv"])
def test_what_copies_or_replaces_the_process_is_not_moved_to_a_thread(name):
    line = f"{name}(path)"
    assert rewrite(in_coroutine(line), line, name) is None


@pytest.mark.parametrize(
    "source",
    [
        "async def view(asyncio):\n    time.sleep(1)\n",
        "async def view(request):\n    time.sleep(1)\n    import asyncio\n",
        "import trio as asyncio\nasync def view(request):\n    time.sleep(1)\n",
        "from shop import asyncio\nasync def view(request):\n    time.sleep(1)\n",
        "asyncio = None\nasync def view(request):\n    time.sleep(1)\n",
        "async def view(request):\n    for asyncio in request:\n        time.sleep(1)\n",
        "async def view(request):\n    time.sleep(1)\ndef asyncio():\n    pass\n",
        "async def view(request):\n    try:\n        time.sleep(1)\n    except OSError as asyncio:\n        pass\n",
        "async def view(request):\n    match request:\n        case [*asyncio]:\n            time.sleep(1)\n",
        "async def view(request):\n    match request:\n        case {**asyncio}:\n            time.sleep(1)\n",
    ],
)
def test_a_call_is_not_rewritten_where_the_name_of_the_module_is_something_else(source):
    assert rewrite(source, "time.sleep(1)") is None


def test_a_call_is_rewritten_where_the_module_imports_more_than_is_needed():
    source = "import asyncio, os\nimport asyncio.queues\nasync def view(request):\n    time.sleep(1)\n"
    assert text_of(source, "time.sleep(1)") == "await asyncio.sleep(1)"


def test_an_import_that_the_module_lacks_is_named():
    line, call = "async def view():\n    time.sleep(1)\n", "time.sleep(1)"
    assert rewrite(line, call).needs == "import asyncio"
    assert rewrite(f"import asyncio as aio\n{line}", call).needs == "import asyncio"
    assert rewrite(f"import asyncio, time\n{line}", call).needs == ""
    called = "django.contrib.auth.login"
    line, call = "async def view():\n    login(request, user)\n", "login(request, user)"
    assert rewrite(line, call, called).needs == "from django.contrib.auth import alogin"
    assert rewrite(f"from django.contrib.auth import alogin, logout\n{line}", call, called).needs == ""


@pytest.mark.parametrize("place", [Place(2, 2, 4, 0), Place(2, 2, 5, 17), Place(9, 9, 4, 17), Place(2, 3, 4, 17)])
def test_a_place_that_is_not_a_call_is_not_rewritten(place):
    lines = ["async def view():", "    time.sleep(1)", ""]
    assert rewritten(lines, place, called_name="time.sleep", advice=SLEEP) is None


@pytest.mark.parametrize("source", ["def (:", "\0", "(" * 5_000, "x = " + "-" * 100_000 + "1"])
def test_a_file_that_is_not_python_is_not_rewritten(source):
    place = Place(1, 1, 0, 5)
    assert rewritten(source.split("\n"), place, called_name="time.sleep", advice=SLEEP) is None


def test_a_very_large_file_is_not_read(monkeypatch):
    monkeypatch.setattr(coroutines, "LARGEST_SOURCE", 10)
    assert rewrite(in_coroutine("time.sleep(1)"), "time.sleep(1)") is None


def test_every_listed_async_method_exists_in_this_django(settings):
    from django.core.cache.backends.base import BaseCache

    for owner, names in _BY_OWNER.items():
        parts = owner.rpartition(".")
        holder = import_module(owner) if parts[2].islower() else getattr(import_module(parts[0]), parts[2])
        for name in names:
            assert hasattr(holder, f"a{name}"), (owner, name)
    assert all(hasattr(BaseCache, f"a{name}") for name in _CACHES)
    assert async_method_of("django.db.models.QuerySet.get", "get") == "aget"
    assert "iterator" not in _QUERIES


NESTED = """\
import time
async def view(request):
    def inner():
        time.sleep(1)
    inner()
    return any(map(lambda row: row, rows))

class Cart:
    def total(self): return 1
    async def checkout(self):
        x = 1
"""


@pytest.mark.parametrize(
    ("lineno", "answer"), [(1, None), (4, False), (5, True), (6, None), (8, None), (9, False), (11, True), (99, None)]
)
def test_the_innermost_function_around_a_line_says_whether_it_may_await(lineno, answer):
    assert can_await(NESTED.splitlines(), lineno) is answer


def test_of_a_file_that_is_no_python_nothing_is_known():
    assert can_await(["def (:"], 1) is None
