"""Calls of Django's that have, or need, a way of Django's own."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "password",
        _("Await Django's asynchronous twin of the call: it hashes the password in a thread."),
        names=(
            "django.contrib.auth.hashers",
            "django.contrib.auth.authenticate",
            "django.contrib.auth.backends",
            "django.contrib.auth.base_user.AbstractBaseUser.check_password",
        ),
        example="user = await aauthenticate(request, username=name, password=password)\n"
        "if await acheck_password(password, user.password): …",
        caveat=_("A password hash is slow on purpose: do not weaken it to win the time back."),
        link="https://docs.djangoproject.com/en/stable/topics/auth/default/#authenticating-users",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "session",
        _("Await Django's asynchronous twin of the call: sessions and users are rows in the database, too."),
        names=("django.contrib.auth", "django.contrib.sessions"),
        example='user = await request.auser()\nawait alogin(request, user)\nseen = await request.session.aget("seen")',
        link="https://docs.djangoproject.com/en/stable/topics/async/",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "orm",
        _("Use the asynchronous methods of the ORM, or put everything that queries into one function and thread."),
        names=("django.db",),
        example="book = await Book.objects.aget(pk=pk)\n"
        "async for book in Book.objects.filter(price__lt=10): …\n"
        "figures = await sync_to_async(build_figures)()",
        caveat=_(
            "A query that is slow stays slow for its own request: look at its plan and its indexes, and at how many "
            "rows it returns."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/async/#queries-the-orm",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "template",
        _("Render in a thread, and cache what is the same for everybody: the page, or fragments of it."),
        names=("django.shortcuts.render", "django.template", "jinja2"),
        example='return await sync_to_async(render)(request, "page.html", context)\n'
        "{% cache 300 sidebar %} … {% endcache %}",
        caveat=_(
            "A template that queries does so while it is rendered: fetch what it needs before, with prefetch_related. "
            "Rendering in a thread still competes with the loop for the interpreter; caching does not."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/cache/#template-fragment-caching",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "shortcuts",
        _("Await Django's asynchronous twin of the call."),
        names=("django.shortcuts.get_object_or_404", "django.shortcuts.get_list_or_404"),
        example="book = await aget_object_or_404(Book, pk=pk)",
        link="https://docs.djangoproject.com/en/stable/topics/http/shortcuts/",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "cache",
        _("Await the cache's asynchronous methods, and prefer a cache whose client is asynchronous itself."),
        names=("django.core.cache", "django_redis"),
        example='figures = await cache.aget("figures")',
        caveat=_("Those of Django's own backends run the call in a thread; the loop is free meanwhile."),
        link="https://docs.djangoproject.com/en/stable/topics/cache/#asynchronous-support",
        call_cure=Cure.ASYNC_METHOD,
    ),
    Advice(
        "mail",
        _("Hand the mail over: to a task queue, or at least to a thread."),
        names=("django.core.mail", "smtplib"),
        example="await sync_to_async(message.send)()",
        caveat=_("A mail server may take its time, and may be away: the answer should not depend on it."),
        link="https://docs.djangoproject.com/en/stable/topics/email/",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "stored-file",
        _("Read and write stored files in a thread: storages have no asynchronous methods."),
        names=("django.core.files", "storages"),
        example="name = await sync_to_async(default_storage.save)(name, upload)",
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "serializer",
        _("Serialize fewer objects at a time (a page of them), and do it in a thread where it queries."),
        names=("django.core.serializers", "rest_framework"),
        example="data = await sync_to_async(lambda: BookSerializer(page, many=True).data)()",
        caveat=_("A field that follows a relation queries once an object: fetch relations with select_related."),
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
    ),
)
