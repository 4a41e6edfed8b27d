"""Calls that keep the processor busy."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

POOL: Final = "https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor"
TO_THREAD: Final = "https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread"
IN_POOL: Final = "result = await asyncio.get_running_loop().run_in_executor(process_pool, compute, data)"

ADVICE: Final = (
    Advice(
        "key-derivation",
        _(
            "Hash in a thread: hashing releases the interpreter meanwhile. For the users of Django await "
            "aauthenticate() or acheck_password(), which do so."
        ),
        names=(
            "hashlib.pbkdf2_hmac",
            "hashlib.scrypt",
            "cryptography.hazmat.primitives.kdf",
            "cryptography.hazmat.bindings",
            "bcrypt",
            "argon2",
            "_argon2_cffi_bindings",
            "passlib",
        ),
        example="key = await asyncio.to_thread(kdf.derive, secret)\n"
        "user = await aauthenticate(request, username=name, password=password)",
        caveat=_("It is slow on purpose: do not weaken it. Do it once, and remember a session or a token instead."),
        link="https://docs.djangoproject.com/en/stable/topics/auth/default/#authenticating-users",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "cryptography",
        _("Compute it in a thread: hashing large data releases the interpreter meanwhile."),
        names=("hashlib", "hmac", "cryptography", "nacl", "jwt", "jose", "rsa", "OpenSSL", "Crypto"),
        example="digest = await asyncio.to_thread(checksum_of, path)",
        link=TO_THREAD,
    ),
    Advice(
        "json",
        _("Make the document smaller (a page, not everything), stream it piece by piece, or dump it elsewhere."),
        names=("json", "simplejson", "orjson", "ujson", "msgpack", "pickle", "marshal", "yaml", "tomllib", "plistlib"),
        example="async def lines():\n"
        "    async for book in Book.objects.all():\n"
        '        yield json.dumps(as_dict(book)) + "\\n"\n'
        "return StreamingHttpResponse(lines())",
        caveat=_("A thread does not help: the interpreter is kept until the call is over. A process pool does."),
        link="https://docs.djangoproject.com/en/stable/ref/request-response/#django.http.StreamingHttpResponse",
    ),
    Advice(
        "xml-csv",
        _("Read and write it piece by piece, or in a process of its own."),
        names=("xml", "csv", "html", "lxml", "bs4", "html5lib", "openpyxl", "xlsxwriter", "docx", "markdown", "bleach"),
        example=IN_POOL,
        caveat=_("A thread helps little: it competes with the loop for the interpreter."),
        link=POOL,
    ),
    Advice(
        "regular-expression",
        _("Change the expression so that it cannot backtrack without end, and limit how long the text may be."),
        names=("re", "regex", "sre_compile", "sre_parse"),
        example='text.rstrip()            # instead of re.sub(r"\\s+$", "", text)\n'
        'r"[^,]*+,"               # possessive, from Python 3.11 on',
        caveat=_(
            "Nested repetitions such as (a+)+ are the usual cause. A thread does not help: re keeps the interpreter."
        ),
        link="https://docs.python.org/3/library/re.html#regular-expression-syntax",
    ),
    Advice(
        "copy",
        _("Copy less: the part that will change, or a shallow copy."),
        names=("copy",),
        example='settings = {**settings, "page": page}',
        link="https://docs.python.org/3/library/copy.html",
    ),
    Advice(
        "picture",
        _("Make pictures and documents in a process pool or a task queue."),
        names=("PIL", "reportlab", "weasyprint", "cairo", "cairosvg", "matplotlib", "qrcode", "cv2", "wand", "pypdf"),
        example=IN_POOL,
        link=POOL,
    ),
    Advice(
        "figures",
        _("Compute it in a process pool, or in a thread where the library releases the interpreter."),
        names=("numpy", "pandas", "scipy", "sklearn", "torch", "polars", "networkx", "statistics", "sympy"),
        example=IN_POOL,
        link=POOL,
    ),
    Advice(
        "sorting",
        _("Let the database sort, group and add up, or work on less at a time."),
        names=("sorted", "list.sort", "sum", "max", "min", "collections.Counter", "heapq"),
        example='await Order.objects.values("book").annotate(Sum("price")).aget(book=pk)',
        caveat=_("What must be computed here goes to a process pool: a thread competes with the loop."),
        link="https://docs.djangoproject.com/en/stable/topics/db/aggregation/",
    ),
)
