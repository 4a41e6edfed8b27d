"""Code that computes for too long."""

import base64
import bz2
import csv
import difflib
import gc
import gzip
import hashlib
import io
import json
import lzma
import pickle
import random
import re
import xml.etree.ElementTree as ET
import zlib
from contextlib import contextmanager

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from django.template import Context, Engine

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import OWN_FUNCTION, Catalogue
from tests.detection.catalogue.peers import busy_thread
from tests.detection.catalogue.sizes import size_that_takes_long, sized

catalogue = Catalogue()
COMPUTING = Cause.COMPUTING

ENGINE = Engine()
ORDERS_TEMPLATE = ENGINE.from_string(
    "<table>{% for order in orders %}<tr><td>{{ order.title|upper }}</td><td>{{ order.price|floatformat:2 }}</td></tr>"
    "{% endfor %}</table>"
)


def orders(count):
    return [{"id": number, "title": f"Book {number}", "price": number / 7} for number in range(count)]


def numbers(count):
    return random.Random(1).choices(range(1_000_000), k=count)


def orders_as_json(count):
    return json.dumps(orders(count))


def text(count):
    return "It was a dark and stormy night; the rain fell in torrents. " * count


def data(count):
    return random.Random(1).randbytes(count)


def xml_document(count):
    return "<orders>" + "<order id='1'/>" * count + "</orders>"


# Formats


@catalogue.blocks("json.dumps", cause=COMPUTING, is_c=False, given=sized(json.dumps, orders, 1000))
async def json_dumps(truth, orders):
    with truth:
        json.dumps(orders)  # blocks


def dump_indented(orders):
    json.dumps(orders, indent=2)


@catalogue.blocks("json.dumps", cause=COMPUTING, is_c=False, given=sized(dump_indented, orders, 1000))
async def json_dumps_indented(truth, orders):
    with truth:
        json.dumps(orders, indent=2)  # blocks


@catalogue.blocks("json.loads", cause=COMPUTING, is_c=False, given=sized(json.loads, orders_as_json, 1000))
async def json_loads(truth, document):
    with truth:
        json.loads(document)  # blocks


def dump_to_file(orders):
    json.dump(orders, io.StringIO())


@catalogue.blocks("json.dump", cause=COMPUTING, is_c=False, given=sized(dump_to_file, orders, 1000))
async def json_dump(truth, orders):
    file = io.StringIO()
    with truth:
        json.dump(orders, file)  # blocks


@catalogue.blocks("pickle.dumps", cause=COMPUTING, is_c=True, given=sized(pickle.dumps, orders, 1000))
async def pickle_dumps(truth, orders):
    with truth:
        pickle.dumps(orders)  # blocks


@catalogue.blocks(
    "pickle.loads",
    cause=COMPUTING,
    is_c=True,
    given=sized(pickle.loads, lambda count: pickle.dumps(orders(count)), 1000),
)
async def pickle_loads(truth, pickled):
    with truth:
        pickle.loads(pickled)  # blocks


def read_csv(document):
    return list(csv.DictReader(io.StringIO(document)))


@catalogue.blocks(
    "csv.DictReader.__next__",
    cause=COMPUTING,
    is_c=False,
    given=sized(read_csv, lambda count: "id,title\n" + "17,Book\n" * count, 1000),
)
async def csv_rows(truth, document):
    with truth:
        for row in csv.DictReader(io.StringIO(document)):  # blocks
            row["id"]


@catalogue.blocks(
    "xml.etree.ElementTree.XML",
    "xml.etree.ElementTree.fromstring",
    cause=COMPUTING,
    given=sized(ET.fromstring, xml_document, 1000),
)
async def xml(truth, document):
    gc.disable()  # on 3.11 it would collect for most of the time
    with truth:
        ET.fromstring(document)  # blocks
    gc.enable()


@catalogue.blocks(
    "django.template.Template.render",
    cause=COMPUTING,
    is_c=False,
    given=sized(lambda orders: ORDERS_TEMPLATE.render(Context({"orders": orders})), orders, 100),
)
async def template(truth, orders):
    with truth:
        ORDERS_TEMPLATE.render(Context({"orders": orders}))  # blocks


# Texts


def backtracking(length):
    return "a" * length + "!"


@catalogue.blocks(
    "re.match",
    cause=COMPUTING,
    is_c=False,
    given=sized(lambda text: re.match(r"(a+)+$", text), backtracking, 15, is_steep=True),
)
async def regular_expression(truth, text):
    with truth:
        re.match(r"(a+)+$", text)  # blocks


WORDS = re.compile(r"(a+)+$")


@catalogue.blocks(
    "re.Pattern.match", cause=COMPUTING, is_c=True, given=sized(WORDS.match, backtracking, 15, is_steep=True)
)
async def regular_expression_compiled(truth, text):
    with truth:
        WORDS.match(text)  # blocks


class Validator:
    def __init__(self):
        self._pattern = re.compile(r"(a+)+$")

    def is_valid(self, text):
        return self._pattern.fullmatch(text) is not None  # blocks


@catalogue.blocks(
    "re.Pattern.fullmatch",
    cause=COMPUTING,
    is_c=True,
    where="Validator.is_valid",
    given=sized(WORDS.match, backtracking, 15, is_steep=True),
)
async def regular_expression_of_object(truth, text):
    validator = Validator()
    with truth:
        validator.is_valid(text)


@catalogue.blocks("re.sub", cause=COMPUTING, is_c=False, given=sized(lambda text: re.sub(r"\w+", "x", text), text, 100))
async def regular_expression_sub(truth, text):
    with truth:
        re.sub(r"\w+", "x", text)  # blocks


@catalogue.blocks("re.Pattern.findall", cause=COMPUTING, is_c=True, given=sized(re.compile(r"\w+").findall, text, 100))
async def regular_expression_findall(truth, text):
    pattern = re.compile(r"\w+")
    with truth:
        pattern.findall(text)  # blocks


def join_numbers(count):
    return ",".join(str(number) for number in range(count))


@catalogue.blocks("str.join", cause=COMPUTING, is_c=True, given=sized(join_numbers, start=1000))
async def string_join(truth, count):
    with truth:
        ",".join(str(number) for number in range(count))  # blocks


def add_up_text(count):
    text = ""
    for number in range(count):
        text += str(number)
    return text


@catalogue.blocks(OWN_FUNCTION, cause=COMPUTING, given=sized(add_up_text, start=1000))
async def string_building(truth, count):
    text = ""
    with truth:
        for number in range(count):  # blocks
            text += f"{number}, "  # blocks


@catalogue.blocks(
    "str.replace", cause=COMPUTING, is_c=True, given=sized(lambda text: text.replace("a", "bb"), text, 100)
)
async def string_replace(truth, text):
    with truth:
        text.replace("a", "bb")  # blocks


def words(count):
    return [f"{word:06}" for word in numbers(count)]


@catalogue.blocks(
    "difflib.get_close_matches",
    cause=COMPUTING,
    is_c=False,
    given=sized(lambda words: difflib.get_close_matches("31415", words), words, 100),
)
async def close_matches(truth, words):
    with truth:
        difflib.get_close_matches("31415", words)  # blocks


# Hashes and compression


def derive(rounds):
    return hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds)


@catalogue.blocks("hashlib.pbkdf2_hmac", cause=COMPUTING, is_c=True, given=sized(derive, start=1000))
async def password_hash(truth, rounds):
    with truth:
        hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds)  # blocks


@contextmanager
def beside_a_busy_thread():
    rounds = size_that_takes_long(derive, start=1000)
    with busy_thread(lambda: sum(number % 7 for number in range(1000))):
        yield rounds


@catalogue.blocks("hashlib.pbkdf2_hmac", cause=COMPUTING, is_c=True, exact=None, given=beside_a_busy_thread)
async def password_hash_beside_a_thread_that_computes(truth, rounds):
    with truth:
        hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds)  # blocks


def derive_with_cryptography(rounds):
    PBKDF2HMAC(hashes.SHA256(), 32, b"salt", rounds).derive(b"secret")


@catalogue.blocks(
    "cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC.derive",
    cause=COMPUTING,
    given=sized(derive_with_cryptography, start=1000),
)
async def password_hash_of_library(truth, rounds):
    function = PBKDF2HMAC(hashes.SHA256(), 32, b"salt", rounds)
    with truth:
        function.derive(b"secret")  # blocks


@catalogue.blocks("hashlib.sha256", cause=COMPUTING, is_c=True, given=sized(hashlib.sha256, bytes, 1 << 20))
async def hash_of_much(truth, content):
    with truth:
        hashlib.sha256(content)  # blocks


@catalogue.blocks("hashlib.HASH.update", cause=COMPUTING, is_c=True, given=sized(hashlib.sha256, bytes, 1 << 20))
async def hash_update(truth, content):
    digest = hashlib.sha256()
    with truth:
        digest.update(content)  # blocks


@catalogue.blocks("zlib.compress", cause=COMPUTING, is_c=True, given=sized(zlib.compress, data, 1 << 16))
async def compression_zlib(truth, content):
    with truth:
        zlib.compress(content)  # blocks


@catalogue.blocks("gzip.compress", cause=COMPUTING, is_c=False, given=sized(gzip.compress, data, 1 << 16))
async def compression_gzip(truth, content):
    with truth:
        gzip.compress(content)  # blocks


@catalogue.blocks("bz2.compress", cause=COMPUTING, is_c=False, given=sized(bz2.compress, data, 1 << 16))
async def compression_bz2(truth, content):
    with truth:
        bz2.compress(content)  # blocks


@catalogue.blocks("lzma.compress", cause=COMPUTING, is_c=False, given=sized(lzma.compress, data, 1 << 12))
async def compression_lzma(truth, content):
    with truth:
        lzma.compress(content)  # blocks


@catalogue.blocks("base64.b85encode", cause=COMPUTING, is_c=False, given=sized(base64.b85encode, data, 1 << 12))
async def encoding(truth, content):
    with truth:
        base64.b85encode(content)  # blocks
