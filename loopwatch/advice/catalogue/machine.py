"""Waiting for the machine: clocks, files, processes, threads, imports."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

TO_THREAD: Final = "https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread"

ADVICE: Final = (
    Advice(
        "sleep",
        _("Sleep without holding the loop, or do not sleep at all: wait for the thing itself."),
        names=("time.sleep",),
        example="await asyncio.sleep(seconds)",
        caveat=_("A function that is not a coroutine function cannot await: make it one, or call it in a thread."),
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.sleep",
        call_cure=Cure.ASYNC_SLEEP,
    ),
    Advice(
        "subprocess",
        _("Let asyncio run the program: the loop goes on until it has ended."),
        names=(
            *("subprocess", "pexpect", "sh", "os.system", "os.popen", "os.fork", "os.forkpty", "os.kill"),
            *("os.wait", "os.wait3", "os.wait4", "os.waitid", "os.waitpid", "os.posix_spawn", "os.posix_spawnp"),
            *(f"os.exec{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
            *(f"os.spawn{kind}" for kind in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        ),
        example="process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)\n"
        "output, _ = await process.communicate()",
        caveat=_("Limit how long it may take (asyncio.timeout), and how many run at once (asyncio.Semaphore)."),
        link="https://docs.python.org/3/library/asyncio-subprocess.html",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "file",
        _("Use files in a thread: asyncio has no asynchronous files."),
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
        caveat=_("Do all of it in one function and one thread, not every read and write in a thread of its own."),
        link=TO_THREAD,
        call_cure=Cure.THREAD,
    ),
    Advice(
        "archive",
        _("Compress and unpack in a thread: that releases the interpreter meanwhile."),
        names=("zipfile", "tarfile", "gzip", "bz2", "lzma", "zlib", "zstandard", "brotli"),
        example="packed = await asyncio.to_thread(gzip.compress, data)",
        link=TO_THREAD,
        call_cure=Cure.THREAD,
    ),
    Advice(
        "lock",
        _("Use asyncio's own lock, event or queue where only coroutines wait; wait for threads in a thread."),
        names=("threading", "_thread", "queue", "_queue", "multiprocessing", "filelock", "fcntl", "portalocker"),
        example="async with asyncio.Lock(): …\nawait asyncio.to_thread(lock.acquire)",
        caveat=_("Whoever holds the lock should hold it briefly: do the slow part before or after."),
        link="https://docs.python.org/3/library/asyncio-sync.html",
    ),
    Advice(
        "future",
        _("Await the future instead of waiting for its result."),
        names=("concurrent.futures",),
        example="result = await asyncio.wrap_future(future)",
        link="https://docs.python.org/3/library/asyncio-future.html#asyncio.wrap_future",
    ),
    Advice(
        "logging",
        _("Let a thread write the log: give the loggers a QueueHandler, and the slow handlers to its listener."),
        names=("logging", "print", "syslog"),
        example='"handlers": {"queue": {"class": "logging.handlers.QueueHandler", "handlers": ["mail", "file"]}}',
        caveat=_("Handlers that mail, post or write to a slow disk or terminal are the usual ones."),
        link="https://docs.python.org/3/howto/logging-cookbook.html#dealing-with-handlers-that-block",
    ),
    Advice(
        "prompt",
        _("Somebody was asked something, or a debugger had stopped the program: take it out."),
        names=("input", "pdb", "bdb", "ipdb", "IPython", "code.interact", "breakpoint", "getpass"),
    ),
    Advice(
        "import",
        _("Import it at the top of a module that is imported at start-up."),
        names=("import", "importlib", "pkgutil", "runpy", "importlib_metadata"),
        example="import pandas  # at the top of views.py, not inside of the view",
        caveat=_("The first request of every process pays for it otherwise, and with it all others."),
        link="https://docs.python.org/3/tutorial/modules.html",
    ),
    Advice(
        "garbage-collection",
        _("Keep the collector from looking at what stays for ever: freeze it when the process has started."),
        names=("gc",),
        example="gc.collect()\ngc.freeze()\ngc.set_threshold(50_000, 20, 100)",
        caveat=_("Then look at who makes so many objects at once: rows that are loaded whole, large JSON documents."),
        link="https://docs.python.org/3/library/gc.html#gc.freeze",
    ),
)
