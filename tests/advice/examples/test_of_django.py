"""Examples that use Django, Django REST framework, django-ninja and Strawberry."""

import csv
import threading

import ninja
import pytest
import rest_framework.serializers
import strawberry
from asgiref.sync import sync_to_async
from django.contrib import auth
from django.contrib.auth.hashers import MD5PasswordHasher, check_password, make_password
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail, serializers
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.forms import ModelForm
from django.http import StreamingHttpResponse
from django.shortcuts import aget_object_or_404, render
from django.test import AsyncClient, AsyncRequestFactory
from django.urls import path

from tests.advice.examples import executes
from tests.advice.examples.books import Book


@pytest.fixture
def anna(transactional_db):
    return User.objects.create_user("anna", password="secret")


HASHED_IN = []
"""The threads in which passwords were hashed."""


class Hasher(MD5PasswordHasher):
    def encode(self, password, salt):
        HASHED_IN.append(threading.get_ident())
        return super().encode(password, salt)


@executes("password")
async def test_passwords_are_hashed_in_a_thread(example, anna, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.{Hasher.__qualname__}"]
    HASHED_IN.clear()
    functions = {"authenticate": auth.authenticate, "check_password": check_password, "make_password": make_password}
    names = {"sync_to_async": sync_to_async, "request": None, "name": "anna", "password": "secret"}
    found = await example(**functions, **names)
    assert found["user"] == anna
    assert found["is_right"]
    assert check_password("secret", found["encoded"])
    assert HASHED_IN[:3].count(threading.get_ident()) == 0


@executes("session")
async def test_a_user_is_logged_in(example, anna):
    request = AsyncRequestFactory().get("/")
    request.session = SessionStore()
    await request.session.aset("seen", "Emma")

    async def auser():
        return anna

    request.auser, request.user = auser, AnonymousUser()
    anna.backend = "django.contrib.auth.backends.ModelBackend"
    found = await example(request=request, alogin=auth.alogin)
    assert found["seen"] == "Emma"
    assert await request.session.aget(auth.SESSION_KEY) == str(anna.pk)


@executes("orm")
async def test_books_are_queried(example, books):
    found = await example(Book=Book, pk=books[1].pk, sync_to_async=sync_to_async, build_figures=Book.objects.count)
    assert found["cheap"] == books[:1]
    assert found["figures"] == 2


@executes("shortcuts")
async def test_a_book_is_found_or_not(example, books):
    found = await example(Book=Book, pk=books[0].pk, aget_object_or_404=aget_object_or_404)
    assert found["book"] == books[0]


@executes("template")
async def test_a_page_is_rendered_in_a_thread(example, settings):
    threads = []
    page = "{{ thread }}"
    loader = ("django.template.loaders.locmem.Loader", {"page.html": page})
    options = {"loaders": [loader]}
    settings.TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": options}]
    context = {"thread": lambda: threads.append(threading.get_ident()) or "rendered"}
    answer = await example(sync_to_async=sync_to_async, render=render, request=None, context=context)
    assert answer.content == b"rendered"
    assert threads != [threading.get_ident()]


@executes("cache")
async def test_a_value_is_cached(example):
    await cache.aset("figures", 7)
    assert (await example(cache=cache))["figures"] == 7


@executes("mail")
async def test_a_mail_is_sent(example, mailer):
    await example(
        sync_to_async=sync_to_async, message=mail.EmailMessage("Hello", "…", "a@example.org", ["b@example.org"])
    )
    assert [message.subject for message in mail.outbox] == ["Hello"]


@executes("form")
async def test_a_form_is_validated_and_saved_in_a_thread(example, books):
    threads = []

    class BookForm(ModelForm):
        class Meta:
            model = Book
            fields = ("title", "price")

        def clean(self):
            threads.append(threading.get_ident())

    found = await example(sync_to_async=sync_to_async, form=BookForm({"title": "Dune", "price": 7}))
    assert found["is_valid"]
    assert await Book.objects.aget(title="Dune") == found["book"]
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


@executes("stored-file")
async def test_a_file_is_stored(example):
    storage = InMemoryStorage()
    found = await example(
        sync_to_async=sync_to_async, default_storage=storage, name="a.txt", upload=ContentFile(b"hello")
    )
    assert storage.open(found["stored"]).read() == b"hello"


@executes("serializer")
async def test_books_are_serialized(example, books):
    class BookSerializer(rest_framework.serializers.ModelSerializer):
        class Meta:
            model = Book
            fields = ("title",)

    found = await example(
        sync_to_async=sync_to_async,
        BookSerializer=BookSerializer,
        serializers=serializers,
        page=Book.objects.order_by("pk"),
    )
    assert found["data"] == [{"title": "Emma"}, {"title": "Ulysses"}]
    assert "Emma" in found["document"]


@executes("upload")
async def test_an_upload_is_parsed_in_a_thread(example):
    threads = []

    class Watched(MemoryFileUploadHandler):
        def new_file(self, *arguments, **options):
            threads.append(threading.get_ident())
            super().new_file(*arguments, **options)

    request = AsyncRequestFactory().post("/", {"scan": SimpleUploadedFile("scan.txt", b"hello")})
    request.upload_handlers = [Watched(request)]
    found = await example(sync_to_async=sync_to_async, request=request)
    assert found["files"]["scan"].read() == b"hello"
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


@executes("response")
async def test_rows_are_streamed(example, books):
    answer = await example(csv=csv, Book=Book, StreamingHttpResponse=StreamingHttpResponse)
    assert [part async for part in answer] == [b"Emma,5\r\n", b"Ulysses,50\r\n"]


@executes("ninja")
async def test_a_plain_operation_runs_in_a_thread(example, books, settings):
    threads = []

    class BookSchema(ninja.Schema):
        title: str

        @staticmethod
        def resolve_title(book):
            threads.append(threading.get_ident())
            return book.title

    api = ninja.NinjaAPI(urls_namespace="examples")
    await example(api=api, Book=Book, BookSchema=BookSchema)

    settings.ROOT_URLCONF = (path("", api.urls),)
    answer = await AsyncClient().get("/books?first=1")
    assert answer.json() == [{"title": "Ulysses"}]
    assert len(threads) == 1
    assert threads != [threading.get_ident()]


@executes("graphql")
async def test_a_query_of_graphql_is_answered(example, books):
    found = await example(strawberry=strawberry, Book=Book)
    answer = await found["schema"].execute("{ titles(first: 1) }")
    assert (answer.errors, answer.data) == (None, {"titles": ["Emma"]})
