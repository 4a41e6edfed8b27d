"""Lists the advice for calls that keep the CPU busy."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

POOL: Final = "https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor"
TO_THREAD: Final = "https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread"
IN_POOL: Final = "result = await asyncio.get_running_loop().run_in_executor(process_pool, compute, data)"

ADVICE: Final = (
    Advice(
        "key-derivation",
        _("Hash in a thread: hashing releases the GIL."),
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
        "is_right = await asyncio.to_thread(bcrypt.checkpw, secret, hashed)",
        caveat=_(
            "Key derivation is slow on purpose: do not weaken it. Derive the key once, then rely on a session or token."
        ),
        link=TO_THREAD,
        call_cure=Cure.THREAD,
    ),
    Advice(
        "cryptography",
        _("Compute it in a thread: hashing large data releases the GIL."),
        names=(
            *("hashlib", "hmac", "secrets", "os.urandom"),
            *("cryptography", "nacl", "jwt", "jose", "rsa", "OpenSSL", "Crypto"),
        ),
        example="digest = await asyncio.to_thread(checksum_of, path)",
        link=TO_THREAD,
    ),
    Advice(
        "json",
        _("Make the document smaller (paginate it), stream it in chunks, or serialize it in another process."),
        names=("json", "simplejson", "orjson", "ujson", "msgpack", "pickle", "marshal"),
        example="async def lines():\n"
        "    async for book in Book.objects.all():\n"
        '        yield json.dumps(as_dict(book)) + "\\n"\n'
        "return StreamingHttpResponse(lines())",
        caveat=_("A thread does not help, because the call holds the GIL until it returns. A process pool does."),
        link="https://docs.djangoproject.com/en/stable/ref/request-response/#django.http.StreamingHttpResponse",
        runs_given_code=True,
    ),
    Advice(
        "xml",
        _("Process it in chunks, or in another process."),
        names=(
            *("xml", "csv", "_csv", "html", "lxml", "bs4", "html5lib", "docx", "markdown", "bleach"),
            *("yaml", "tomllib", "plistlib"),
        ),
        example=IN_POOL,
        caveat=_("A thread helps little: it competes with the loop for the GIL."),
        link=POOL,
        runs_given_code=True,
    ),
    Advice(
        "workbook",
        _("Read and write workbooks in a process pool or a task queue."),
        names=("openpyxl", "xlsxwriter", "xlrd"),
        example="data = await asyncio.get_running_loop().run_in_executor(process_pool, workbook_of, rows)",
        caveat=_("Workbook(write_only=True) and load_workbook(read_only=True) need far less time and memory."),
        link="https://openpyxl.readthedocs.io/en/stable/optimized.html",
    ),
    Advice(
        "regular-expression",
        _("Rewrite the expression so that it cannot backtrack catastrophically, and limit the length of the text."),
        names=("re", "regex", "sre_compile", "sre_parse"),
        example='tidied = text.rstrip()  # instead of re.sub(r"\\s+$", "", text)\n'
        'first = re.match(r"[^,]*+,", text)  # possessive: it never backtracks',
        caveat=_("Nested repetitions such as (a+)+ are the usual cause. A thread does not help: re holds the GIL."),
        link="https://docs.python.org/3/library/re.html#regular-expression-syntax",
        runs_given_code=True,
        changes_the_call=True,
    ),
    Advice(
        "copy",
        _("Copy only the part that changes, or make a shallow copy."),
        names=("copy",),
        example='changed = {**settings, "page": page}',
        link="https://docs.python.org/3/library/copy.html",
        runs_given_code=True,
        changes_the_call=True,
    ),
    Advice(
        "picture",
        _("Generate images and documents in a process pool or a task queue."),
        names=("PIL", "reportlab", "weasyprint", "cairo", "cairosvg", "matplotlib", "qrcode", "cv2", "wand", "pypdf"),
        example="data = await asyncio.get_running_loop().run_in_executor(process_pool, thumbnail_of, path)",
        link=POOL,
    ),
    Advice(
        "figures",
        _("Compute it in a process pool, or in a thread if the library releases the GIL."),
        names=("numpy", "pandas", "scipy", "sklearn", "torch", "polars", "networkx", "statistics", "sympy"),
        example=IN_POOL,
        link=POOL,
        runs_given_code=True,
    ),
    Advice(
        "sorting",
        _("Let the database sort, group and sum, or process less data at a time."),
        names=("sorted", "list.sort", "sum", "max", "min", "collections.Counter", "heapq"),
        example='best = await Order.objects.values("book").annotate(sold=Count("pk")).order_by("-sold").afirst()',
        caveat=_("Run what must be computed here in a process pool: a thread competes with the loop for the GIL."),
        link="https://docs.djangoproject.com/en/stable/topics/db/aggregation/",
        runs_given_code=True,
        changes_the_call=True,
    ),
)
