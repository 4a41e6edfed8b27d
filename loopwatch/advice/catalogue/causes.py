"""Lists the advice that the name of a call does not decide: by its cause, or because it is repeated."""

from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.advice import gettext_noop as _
from loopwatch.advice.catalogue.computing import IN_POOL, POOL, TO_THREAD

WAITING: Final = Advice(
    "waiting",
    _("Await an asynchronous alternative; if there is none, run the call in a thread."),
    example="result = await asyncio.to_thread(call, argument)\n"
    "result = await sync_to_async(call)(argument)  # if it queries",
    link=TO_THREAD,
)
COMPUTING: Final = Advice(
    "computing",
    _("Compute less, or do it elsewhere: in a process pool, a task queue or the database."),
    example=f"{IN_POOL}\n"
    "for part in batched(data, 500):\n    compute(part)\n    await asyncio.sleep(0)  # lets the others go on",
    caveat=_("A thread helps little with Python code: it competes with the loop for the GIL."),
    link=POOL,
)
GIL_HELD: Final = Advice(
    "gil-held",
    _("Work in smaller chunks, or in a process pool: a thread that keeps the GIL stops the loop, too."),
    example=f"{IN_POOL}\n"
    "for part in batched(rows, 500):  # in the thread\n    file.write(json.dumps(part))\n\n"
    "gc.freeze()  # once everything is loaded, if it is the garbage collector",
    caveat=_("A library may also release the GIL while it computes, as zlib and NumPy do for large inputs."),
    link=POOL,
)
LAZY_IMPORT: Final = Advice(
    "lazy-import",
    _("Import it when the process starts: the import is lazy, and this line is the first to use it."),
    example="class ShopConfig(AppConfig):\n    def ready(self):\n"
    "        import pandas  # the lazy import in views.py then finds it\n"
    "# where all imports are lazy, in asgi.py\n"
    'sys.set_lazy_imports_filter(lambda importer, module, names: module != "pandas")',
    caveat=_("Otherwise the first request of every process waits for the import, and so do all requests meanwhile."),
    link="https://docs.python.org/3.15/library/sys.html#sys.set_lazy_imports_filter",
)
REPEATED_QUERY: Final = Advice(
    "repeated-query",
    _("Ask once, not once for each object: follow relations with select_related or prefetch_related, write in bulk."),
    example='orders = [order async for order in Order.objects.select_related("book")]\n'
    "titles = [order.book.title for order in orders]  # no query\n"
    "books = await Book.objects.ain_bulk(keys)\n"
    'await Book.objects.abulk_update(books.values(), ["price"])',
    caveat=_("Awaiting each query frees the loop, but the request still waits for one after the other."),
    link="https://docs.djangoproject.com/en/stable/ref/models/querysets/#select-related",
)
UNKNOWN: Final = WAITING
