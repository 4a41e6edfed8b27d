"""What to do about a call that nothing particular is known of, by why the loop could not go on."""

from typing import Final

from loopwatch.advice.advice import Advice
from loopwatch.advice.advice import gettext_noop as _
from loopwatch.advice.catalogue.computing import IN_POOL, POOL, TO_THREAD

WAITING: Final = Advice(
    "waiting",
    _("Await something asynchronous instead; where there is nothing, run the call in a thread."),
    example="result = await asyncio.to_thread(call, argument)\n"
    "result = await sync_to_async(call)(argument)  # if it queries",
    link=TO_THREAD,
)
COMPUTING: Final = Advice(
    "computing",
    _("Compute less, or elsewhere: in a process pool, a task queue, or in the database."),
    example=f"{IN_POOL}\n"
    "for part in batched(data, 500):\n    compute(part)\n    await asyncio.sleep(0)  # lets the others go on",
    caveat=_("A thread helps little with Python code: it competes with the loop for the interpreter."),
    link=POOL,
)
LAZY_IMPORT: Final = Advice(
    "lazy-import",
    _("Import it when the process starts. It is imported lazily, and this line is the first that uses it."),
    example="class ShopConfig(AppConfig):\n    def ready(self):\n"
    "        import pandas  # the lazy import in views.py then finds it\n"
    "# where all imports are lazy, in asgi.py\n"
    'sys.set_lazy_imports_filter(lambda importer, module, names: module != "pandas")',
    caveat=_("The first request of every process pays for it otherwise, and with it all others."),
    link="https://docs.python.org/3.15/library/sys.html#sys.set_lazy_imports_filter",
)
UNKNOWN: Final = WAITING
