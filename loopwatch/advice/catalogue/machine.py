"""Lists the advice for waiting within the machine: clocks, files, processes, threads, imports."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

TO_THREAD: Final = "https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread"

ADVICE: Final = (
    Advice(
        "sleep",
        _("Await asyncio.sleep(), or wait for the event itself instead of sleeping."),
        names=("time.sleep",),
        example="await asyncio.sleep(seconds)",
        caveat=_("A plain function cannot await: make it a coroutine function, or call it in a thread."),
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.sleep",
        call_cure=Cure.ASYNC_SLEEP,
        changes_the_call=True,
    ),
    Advice(
        "subprocess",
        _("Let asyncio run the program: the loop keeps running until the program exits."),
        names=(
            *("subprocess", "pexpect", "sh", "os.system", "os.popen", "os.kill"),
            *("os.wait", "os.wait3", "os.wait4", "os.waitid", "os.waitpid", "os.posix_spawn", "os.posix_spawnp"),
            *(f"os.spawn{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        ),
        example="process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)\n"
        "output, _ = await process.communicate()",
        caveat=_("Limit how long it may take (asyncio.timeout), and how many run at once (asyncio.Semaphore)."),
        link="https://docs.python.org/3/library/asyncio-subprocess.html",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "fork",
        _("Start programs with asyncio, and processes by the start method spawn, instead of copying this process."),
        names=(
            "os.fork",
            "os.forkpty",
            "pty.fork",
            *(f"os.exec{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        ),
        example="process = await asyncio.create_subprocess_exec(*command)",
        caveat=_("A child of fork() has a copy of the loop but not of the other threads, whose locks it may wait for."),
        link="https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods",
    ),
    Advice(
        "file",
        _("Access files in a thread: asyncio has no API for files."),
        names=(
            "open",
            "io",
            "_io",
            "os",
            "posix",
            "nt",
            "shutil",
            "pathlib",
            "tempfile",
            "glob",
            "mmap",
            "fileinput",
            "linecache",
            "dbm",
        ),
        example="text = await asyncio.to_thread(path.read_text)",
        caveat=_("Do all of it in one function and one thread, not each read and write in a separate thread."),
        link=TO_THREAD,
        call_cure=Cure.THREAD,
    ),
    Advice(
        "archive",
        _("Compress and decompress in a thread: that releases the GIL."),
        names=("zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib", "zstandard", "brotli"),
        example="packed = await asyncio.to_thread(gzip.compress, data)",
        link=TO_THREAD,
        call_cure=Cure.THREAD,
    ),
    Advice(
        "lock",
        _("Use asyncio's own lock, event or queue if only coroutines wait; wait for other threads in a thread."),
        names=("threading", "_thread", "queue", "_queue", "multiprocessing", "filelock", "fcntl", "portalocker"),
        example="async with stock_lock:  # an asyncio.Lock()\n"
        "    await recount()\n"
        "await asyncio.to_thread(lock.acquire)",
        caveat=_("Hold the lock only briefly: do the slow part before or after."),
        link="https://docs.python.org/3/library/asyncio-sync.html",
        changes_the_call=True,
    ),
    Advice(
        "future",
        _("Await the future instead of waiting for its result."),
        names=("concurrent.futures",),
        example="result = await asyncio.wrap_future(future)",
        link="https://docs.python.org/3/library/asyncio-future.html#asyncio.wrap_future",
        changes_the_call=True,
    ),
    Advice(
        "logging",
        _("Let a thread write the log: attach a QueueHandler to the loggers, and the slow handlers to its listener."),
        names=("logging", "print", "syslog"),
        example="lines = SimpleQueue()\n"
        "listener = QueueListener(lines, AdminEmailHandler(), respect_handler_level=True)\n"
        "listener.start()  # and stop() when the process ends\n"
        'logging.getLogger("shop").addHandler(QueueHandler(lines))',
        caveat=_(
            "The usual causes are handlers that send mail, post to a service, or write to a slow disk or terminal."
        ),
        link="https://docs.python.org/3/howto/logging-cookbook.html#dealing-with-handlers-that-block",
    ),
    Advice(
        "prompt",
        _("The program waited for input, or a debugger stopped it: remove the prompt or breakpoint."),
        names=("input", "pdb", "bdb", "ipdb", "IPython", "code.interact", "breakpoint", "getpass"),
    ),
    Advice(
        "import",
        _("Import it at the top of a module that is imported at start-up."),
        names=("import", "importlib", "pkgutil", "runpy", "importlib_metadata"),
        example="import pandas  # at the top of views.py, not inside of the view",
        caveat=_(
            "Otherwise the first request of every process waits for the import, and so do all requests meanwhile."
        ),
        link="https://docs.python.org/3/tutorial/modules.html",
    ),
    Advice(
        "garbage-collection",
        _("Keep the collector from scanning permanent objects: freeze them after start-up."),
        names=("gc",),
        example="gc.collect()\ngc.freeze()\ngc.set_threshold(50_000, 20, 100)",
        caveat=_("Then find what creates so many objects at once: rows loaded with all columns, large JSON documents."),
        link="https://docs.python.org/3/library/gc.html#gc.freeze",
    ),
)
