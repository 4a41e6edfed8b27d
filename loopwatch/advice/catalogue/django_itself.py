"""Lists the advice for calls of Django, most of which Django can replace."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        # Since 6.0, these two hash in a thread: https://code.djangoproject.com/ticket/36439 (acreate_user never does.)
        "password",
        _("Hash it in a thread: in Django 5.2, aauthenticate() and acheck_password() hash on the event loop."),
        names=(
            "django.contrib.auth.hashers",
            "django.contrib.auth.authenticate",
            "django.contrib.auth.backends",
            "django.contrib.auth.base_user.AbstractBaseUser.check_password",
            "django.contrib.auth.base_user.AbstractBaseUser.set_password",
            "django.contrib.auth.models.UserManager",
        ),
        example="user = await sync_to_async(authenticate)(request, username=name, password=password)\n"
        "is_right = await sync_to_async(check_password)(password, user.password)\n"
        "encoded = await sync_to_async(make_password)(password)",
        caveat=_("A password hash is slow on purpose: do not weaken it to save time."),
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "session",
        _("Await Django's asynchronous version of the call: sessions and users are database rows, too."),
        names=("django.contrib.auth", "django.contrib.sessions"),
        example='user = await request.auser()\nawait alogin(request, user)\nseen = await request.session.aget("seen")',
        link="https://docs.djangoproject.com/en/stable/topics/async/",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "orm",
        _("Use the ORM's asynchronous methods, or move all queries into one function and call it with sync_to_async."),
        names=(
            "django.db",
            *(f"django.contrib.auth.base_user.AbstractBaseUser.{each}" for each in ("save", "delete")),
            *(f"rest_framework.{each}" for each in ("authentication", "filters", "generics", "pagination")),
        ),
        example="book = await Book.objects.aget(pk=pk)\n"
        "cheap = [book async for book in Book.objects.filter(price__lt=10)]\n"
        "figures = await sync_to_async(build_figures)()",
        caveat=_(
            "A slow query still slows down its own request: check its plan, its indexes and the number of rows "
            "it returns."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/async/#queries-the-orm",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "template",
        _("Render in a thread, and cache what is the same for every user: the page or fragments of it."),
        names=("django.shortcuts.render", "django.template", "jinja2"),
        example='return await sync_to_async(render)(request, "page.html", context)',
        caveat=_(
            "Queries in a template run while it renders: fetch the data before, with prefetch_related. Rendering "
            "in a thread still competes with the loop for the GIL; caching does not."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/cache/#template-fragment-caching",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "shortcuts",
        _("Await Django's asynchronous version of the call."),
        names=("django.shortcuts.get_object_or_404", "django.shortcuts.get_list_or_404"),
        example="book = await aget_object_or_404(Book, pk=pk)",
        link="https://docs.djangoproject.com/en/stable/topics/http/shortcuts/",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "cache",
        _("Await the cache's asynchronous methods, and prefer a cache backend with an asynchronous client."),
        names=("django.core.cache", "django_redis"),
        example='figures = await cache.aget("figures")',
        caveat=_("Django's own backends run them in a thread, which leaves the loop free."),
        link="https://docs.djangoproject.com/en/stable/topics/cache/#asynchronous-support",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "mail",
        _("Send the mail from a task queue, or at least in a thread."),
        names=("django.core.mail", "smtplib"),
        example="await sync_to_async(message.send)()",
        caveat=_("A mail server may be slow or unavailable: the response should not depend on it."),
        link="https://docs.djangoproject.com/en/stable/topics/email/",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "form",
        _("Validate, render and save the form in a thread: forms have no asynchronous methods, and many query."),
        names=("django.forms",),
        example="is_valid = await sync_to_async(form.is_valid)()\nbook = await sync_to_async(form.save)()",
        caveat=_("A field for a relation queries all of its choices each time that it is rendered."),
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "stored-file",
        _("Read and write stored files in a thread: storages have no asynchronous methods."),
        names=("django.core.files", "django.db.models.fields.files", "storages"),
        example="stored = await sync_to_async(default_storage.save)(name, upload)",
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "serializer",
        _("Serialize fewer objects at a time (paginate them), and do it in a thread if that runs queries."),
        names=("django.core.serializers", "rest_framework"),
        example="data = await sync_to_async(lambda: BookSerializer(page, many=True).data)()  # Django REST framework\n"
        'document = await sync_to_async(serializers.serialize)("json", page)',
        caveat=_("A field that follows a relation runs one query per object: fetch relations with select_related."),
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
    ),
    Advice(
        "upload",
        _("Parse the form in a thread: the first use of request.POST or request.FILES reads the body and its files."),
        names=(
            "django.core.handlers.asgi.ASGIRequest",
            "django.http.HttpRequest",
            "django.http.multipartparser",
            "django.http.request",
            "rest_framework.parsers",
            "rest_framework.request",
        ),
        example="files = await sync_to_async(lambda: request.FILES)()",
        caveat=_("After that, request.POST and request.FILES are ready for use everywhere."),
        link="https://docs.djangoproject.com/en/stable/topics/http/file-uploads/",
    ),
    Advice(
        "response",
        _("Stream the rows: other requests are served between them, and no document is built in memory."),
        names=("django.http.HttpResponse", "django.http.response", "csv.writer", "csv.DictWriter", "_csv.writer"),
        example="class Line:\n"
        "    def write(self, text):\n"
        "        return text\n"
        "async def lines():\n"
        "    writer = csv.writer(Line())\n"
        '    async for row in Book.objects.values_list("title", "price"):\n'
        "        yield writer.writerow(row)\n"
        'return StreamingHttpResponse(lines(), content_type="text/csv")',
        caveat=_("Rows read from a list instead of the database need an await asyncio.sleep(0) now and then."),
        link="https://docs.djangoproject.com/en/stable/howto/outputting-csv/#streaming-large-csv-files",
        runs_given_code=True,
        changes_the_call=True,
    ),
    Advice(
        "ninja",
        _("Return fewer objects and fetch their relations, or declare the operation with def to run it in a thread."),
        names=("ninja",),
        example='@api.get("/books", response=list[BookSchema])\n'
        "def books(request, first: int = 0):  # not async def\n"
        "    return Book.objects.all()[first : first + 100]",
        caveat=_(
            "django-ninja validates the response of an async def operation on the event loop. In a thread, a long list"
            " still blocks the loop, because pydantic keeps the GIL until all of it is validated."
        ),
        link="https://django-ninja.dev/guides/async-support/",
        runs_given_code=True,
    ),
    Advice(
        "graphql",
        _("Make resolvers that query asynchronous, and limit how much one query may ask for."),
        names=("graphql", "strawberry", "strawberry_django", "graphene", "graphene_django"),
        example="@strawberry.type\n"
        "class Query:\n"
        "    @strawberry.field\n"
        "    async def titles(self, first: int = 20) -> list[str]:\n"
        "        return [book.title async for book in Book.objects.all()[: min(first, 100)]]\n"
        "schema = strawberry.Schema(Query)",
        caveat=_("The result is completed on the event loop, field by field: a thousand objects take a while."),
        link="https://strawberry.rocks/docs/guides/dataloaders",
        runs_given_code=True,
    ),
)
