"""Examples about calls that keep the CPU busy."""

import asyncio
import hashlib
import io
import json
import pickle
import re
import sys
from types import SimpleNamespace

import bcrypt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from django.db.models import Count
from django.http import StreamingHttpResponse
from openpyxl import load_workbook
from PIL import Image

from tests.advice.examples import executes
from tests.advice.examples.books import Book, Order
from tests.support.children import ROOT, run

IN_A_POOL = """\
import asyncio, pickle, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tests.advice.examples import Example
from tests.advice.examples.work import compute, thumbnail_of, workbook_of

async def main(topic, names):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process_pool:
        functions = {"compute": compute, "thumbnail_of": thumbnail_of, "workbook_of": workbook_of}
        found = await Example(topic)(asyncio=asyncio, process_pool=process_pool, **functions, **names)
    return {name: found[name] for name in ("result", "data") if name in found}

if __name__ == "__main__":
    topic, names = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(pickle.dumps(asyncio.run(main(topic, names))).hex())
"""


def in_a_pool(example, tmp_path, **names):
    """Run the example in a separate program, with a real process pool, and return what it computed."""
    program = tmp_path / "program.py"
    program.write_text(IN_A_POOL)
    ran = run([sys.executable, program, pickle.dumps((example.topic, names)).hex()], env={"PYTHONPATH": str(ROOT)})
    assert ran.returncode == 0, ran.stderr
    return pickle.loads(bytes.fromhex(ran.stdout))


@executes("key-derivation")
async def test_keys_and_passwords_are_hashed_in_a_thread(example):
    found = await example(
        asyncio=asyncio,
        kdf=PBKDF2HMAC(SHA256(), 32, b"salt", 10),
        secret=b"secret",
        bcrypt=bcrypt,
        hashed=bcrypt.hashpw(b"secret", bcrypt.gensalt(4)),
    )
    assert found["key"] == hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 10)
    assert found["is_right"]


@executes("cryptography")
async def test_a_checksum_is_computed(example):
    assert (await example(asyncio=asyncio, checksum_of=len, path="four"))["digest"] == 4


@executes("json")
async def test_a_document_is_streamed(example, books):
    def as_dict(book):
        return {"title": book.title}

    answer = await example(json=json, Book=Book, as_dict=as_dict, StreamingHttpResponse=StreamingHttpResponse)
    assert [json.loads(line) async for line in answer] == [{"title": "Emma"}, {"title": "Ulysses"}]


@executes("xml", "figures")
async def test_a_process_pool_computes(example, tmp_path):
    assert in_a_pool(example, tmp_path, data=[3, 4])["result"] == 7


@executes("computing")
async def test_a_loop_in_slices_lets_others_run(example):
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    pool = SimpleNamespace()  # what the example gives it to is replaced; the pool's own example is run above
    loop = SimpleNamespace(run_in_executor=lambda pool, function, data: asyncio.sleep(0, function(data)))
    names = {"asyncio": SimpleNamespace(get_running_loop=lambda: loop, sleep=asyncio.sleep), "process_pool": pool}
    await example(**names, compute=ran.append, data=[1], batched=lambda data, size: [data])
    assert ran == [[1], "other", [1]]


@executes("workbook")
async def test_a_process_pool_writes_a_workbook(example, tmp_path):
    data = in_a_pool(example, tmp_path, rows=[["Emma", 5]])["data"]
    assert [list(row) for row in load_workbook(io.BytesIO(data)).active.values] == [["Emma", 5]]


@executes("picture")
async def test_a_process_pool_makes_a_thumbnail(example, tmp_path):
    Image.new("RGB", (100, 50)).save(tmp_path / "cover.png")
    data = in_a_pool(example, tmp_path, path=str(tmp_path / "cover.png"))["data"]
    with Image.open(io.BytesIO(data)) as thumbnail:
        assert thumbnail.size == (10, 5)


@executes("regular-expression")
async def test_the_expressions_do_the_same_without_backtracking(example):
    found = await example(re=re, text="Emma, by Austen  ")
    assert found["tidied"] == re.sub(r"\s+$", "", "Emma, by Austen  ")
    assert found["first"][0] == "Emma,"


@executes("copy")
async def test_the_copy_has_the_change(example):
    settings = {"page": 1, "size": 10}
    assert (await example(settings=settings, page=2))["changed"] == {"page": 2, "size": 10}
    assert settings["page"] == 1


@executes("sorting")
async def test_the_database_counts_and_sorts(example, books):
    found = await example(Order=Order, Count=Count)
    assert found["best"] == {"book": books[0].pk, "sold": 2}
