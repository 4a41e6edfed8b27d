"""The mistakes this site makes, each with its corrected twin: for the front page, the demo and the tests.

Most block the loop. Two happen in a thread: one holds a thread that others wait for, and one keeps the GIL.
``function`` and ``blocking_calls`` are the names loopwatch is to report (any one of several where Python versions
differ), ``source_lines`` the text of the lines it may point at.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UPLOAD_BYTES = 512 * 1024
MEMBERSHIP_CARD = "Card FOX-1:read more books"


@dataclass(frozen=True, slots=True)
class Visit:
    """One thing a client does: an HTTP request, or a message on the WebSocket at ``path``.

    ``route`` is the URL pattern the path matches. ``visitors`` do it at the same time.
    """

    path: str
    route: str
    method: str = "GET"
    authorization: str = ""
    uploads: bool = False
    visitors: int = 1

    @property
    def is_websocket(self) -> bool:
        return self.path.startswith("/ws/")


@dataclass(frozen=True, slots=True)
class Mistake:
    name: str
    title: str
    cure: str
    visit: Visit
    twin: Visit
    blocking_calls: tuple[str, ...]
    module: str
    function_in_module: str
    source_lines: tuple[str, ...]

    @property
    def function(self) -> str:
        return f"{self.module}.{self.function_in_module}"

    @property
    def filename(self) -> Path:
        return ROOT.joinpath(*self.module.split(".")).with_suffix(".py")

    def line_numbers(self) -> frozenset[int]:
        """The numbers (from 1) of the lines in the function that loopwatch may point at."""
        lines = self.filename.read_text(encoding="utf-8").splitlines()
        start = next(
            index for index, line in enumerate(lines) if f"def {self.function_in_module.split('.')[-1]}(" in line
        )
        found = {index + 1 for index in range(start, len(lines)) if lines[index].strip() in self.source_lines}
        return frozenset(sorted(found)[: len(self.source_lines)])


def pair(
    path: str, route: str, method: str = "GET", authorization: str = "", uploads: bool = False
) -> tuple[Visit, Visit]:
    """The visit that makes the mistake and the one to its twin, which has ``fixed/`` added."""
    return (
        Visit(path, route, method, authorization, uploads),
        Visit(f"{path}fixed/", f"{route}fixed/", method, authorization, uploads),
    )


MISTAKES = (
    Mistake(
        "card-hash",
        "Checks a membership card",
        "asyncio.to_thread",
        *pair("/accounts/me/", "accounts/me/", authorization=MEMBERSHIP_CARD),
        blocking_calls=("cryptography.hazmat.primitives.kdf.pbkdf2.PBKDF2HMAC.derive",),
        module="testproject.cardlock.stretching",
        function_in_module="stretch",
        source_lines=("return kdf.derive(secret.encode())",),
    ),
    Mistake(
        "retry-sleep",
        "Tries a busy card terminal again",
        "asyncio.sleep",
        *pair("/orders/1/pay/", "orders/<int:pk>/pay/", method="POST"),
        blocking_calls=("time.sleep",),
        module="testproject.orders.payment",
        function_in_module="charge_with_retries",
        source_lines=("time.sleep(PAUSE_S)",),
    ),
    Mistake(
        "http-call",
        "Asks a slow service for exchange rates",
        "asyncio.to_thread, or an async HTTP client",
        *pair("/orders/exchange-rates/", "orders/exchange-rates/"),
        blocking_calls=("urllib.request.urlopen",),
        module="testproject.orders.exchange",
        function_in_module="fetch_rates",
        source_lines=('with urllib.request.urlopen(f"{settings.UPSTREAM_URL}/rates/", timeout=5) as answer:',),
    ),
    Mistake(
        "query",
        "Counts repeat buyers with a slow query",
        "the async ORM: acount()",
        *pair("/orders/repeat-buyers/", "orders/repeat-buyers/"),
        blocking_calls=("sqlite3.Cursor.execute",),
        module="testproject.orders.repeat_buyers",
        function_in_module="repeat_buyers",
        source_lines=('return JsonResponse({"pairs": bought_again().count()})',),
    ),
    Mistake(
        "template",
        "Renders the stocktake, a heavy template",
        "sync_to_async(render)",
        *pair("/catalogue/stocktake/", "catalogue/stocktake/"),
        blocking_calls=("django.shortcuts.render",),
        module="testproject.catalogue.views",
        function_in_module="stocktake",
        source_lines=('return render(request, "catalogue/stocktake.html", {"books": books, "months": MONTHS})',),
    ),
    Mistake(
        "json",
        "Exports the price history as one large JSON document",
        "a streamed answer, one book at a time",
        *pair("/catalogue/price-history/", "catalogue/price-history/"),
        blocking_calls=("json.dumps",),
        module="testproject.catalogue.price_history",
        function_in_module="export",
        source_lines=("body = json.dumps(history)",),
    ),
    Mistake(
        "regular-expression",
        "Tidies a note with a regular expression that backtracks",
        "str.rstrip",
        *pair("/notes/1/tidy/", "notes/<int:pk>/tidy/"),
        blocking_calls=("re.Pattern.sub",),
        module="testproject.notes.views",
        function_in_module="tidy",
        source_lines=('tidied = TRAILING_SPACE.sub("", note.text)',),
    ),
    Mistake(
        "upload",
        "Writes an upload to disk, page by durable page",
        "asyncio.to_thread",
        *pair("/catalogue/scans/1/", "catalogue/scans/<int:supplier>/", method="POST", uploads=True),
        blocking_calls=("os.fsync", "posix.fsync"),
        module="testproject.catalogue.scans",
        function_in_module="write_pages",
        source_lines=("os.fsync(scan.fileno())",),
    ),
    Mistake(
        "subprocess",
        "Runs the label printer",
        "asyncio.create_subprocess_exec",
        *pair("/orders/1/label/", "orders/<int:pk>/label/", method="POST"),
        blocking_calls=("subprocess.run",),
        module="testproject.orders.labels",
        function_in_module="print_label",
        source_lines=("printed = subprocess.run([*PRINT, order.customer], capture_output=True, check=True)",),
    ),
    Mistake(
        "loop",
        "Compares all ratings with all others in a loop",
        "slices, with asyncio.sleep(0) between",
        *pair("/notes/agreement/", "notes/agreement/"),
        blocking_calls=("testproject.notes.views.agreement",),
        module="testproject.notes.views",
        function_in_module="agreement",
        source_lines=(
            "for other_anna, other_bert in ratings:",
            "agreed += (anna < other_anna) == (bert < other_bert)",
        ),
    ),
    Mistake(
        "chat",
        "Asks the moderator about every chat message",
        "asyncio.to_thread",
        *pair("/ws/chat/lobby/", "ws/chat/<slug:room>/"),
        blocking_calls=("http.client.HTTPConnection.getresponse",),
        module="testproject.chat.moderation",
        function_in_module="is_welcome",
        source_lines=("answer = moderator.getresponse()",),
    ),
    Mistake(
        "lock",
        "Waits for a lock while the stock is recounted",
        "take the lock in a thread",
        *pair("/catalogue/stock/", "catalogue/stock/"),
        blocking_calls=("threading.Lock.acquire", "_thread.lock.acquire"),
        module="testproject.catalogue.stock",
        function_in_module="copies_in_stock",
        source_lines=("with STOCK.lock:",),
    ),
)

HOLDS_A_THREAD = Mistake(
    "shared-thread",
    "Asks the moderator in the thread that all chats share",
    "asyncio.to_thread",
    Visit("/ws/chat/lobby/threaded/", "ws/chat/<slug:room>/threaded/", visitors=2),
    Visit("/ws/chat/lobby/fixed/", "ws/chat/<slug:room>/fixed/"),
    blocking_calls=("testproject.chat.moderation.is_welcome",),
    module="testproject.chat.moderation",
    function_in_module="is_welcome",
    source_lines=(),
)
KEEPS_THE_GIL = Mistake(
    "threaded-json",
    "Exports the price history in a thread, which keeps the GIL",
    "a streamed answer, one book at a time",
    Visit("/catalogue/price-history/threaded/", "catalogue/price-history/threaded/"),
    Visit("/catalogue/price-history/fixed/", "catalogue/price-history/fixed/"),
    blocking_calls=("json.dumps",),
    module="testproject.catalogue.price_history",
    function_in_module="as_json",
    source_lines=("return json.dumps(price_history())",),
)
ALL_MISTAKES = (*MISTAKES, HOLDS_A_THREAD, KEEPS_THE_GIL)
