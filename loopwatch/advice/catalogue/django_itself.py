"""Lists the advice for calls of Django, most of which Django can replace."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "password",
        _("Await Django's asynchronous version of the call: it hashes the password in a thread."),
        names=(
            "django.contrib.auth.hashers",
            "django.contrib.auth.authenticate",
            "django.contrib.auth.backends",
            "django.contrib.auth.base_user.AbstractBaseUser.check_password",
        ),
        example="user = await aauthenticate(request, username=name, password=password)\n"
        "if await acheck_password(password, user.password): …",
        caveat=_("A password hash is slow on purpose: do not weaken it to save time."),
        link="https://docs.djangoproject.com/en/stable/topics/auth/default/#authenticating-users",
        call_cure=Cure.ASYNC_METHOD,
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
        names=("django.db",),
        example="book = await Book.objects.aget(pk=pk)\n"
        "async for book in Book.objects.filter(price__lt=10): …\n"
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
        example='return await sync_to_async(render)(request, "page.html", context)\n'
        "{% cache 300 sidebar %} … {% endcache %}",
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
        "stored-file",
        _("Read and write stored files in a thread: storages have no asynchronous methods."),
        names=("django.core.files", "storages"),
        example="name = await sync_to_async(default_storage.save)(name, upload)",
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
        call_cure=Cure.DJANGO_THREAD,
    ),
    Advice(
        "serializer",
        _("Serialize fewer objects at a time (paginate them), and do it in a thread if that runs queries."),
        names=("django.core.serializers", "rest_framework"),
        example="data = await sync_to_async(lambda: BookSerializer(page, many=True).data)()",
        caveat=_("A field that follows a relation runs one query per object: fetch relations with select_related."),
        link="https://docs.djangoproject.com/en/stable/topics/async/#asgiref.sync.sync_to_async",
    ),
)
