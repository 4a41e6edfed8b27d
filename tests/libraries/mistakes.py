"""What each module of the site does wrong, and what an engineer on call would want to read about it."""

import json
from dataclasses import dataclass
from pathlib import Path

SITE = Path(__file__).resolve().parent / "site"
BLOCKS = "# blocks"


@dataclass(frozen=True, slots=True)
class Mistake:
    """``called_name`` is what the site's line calls; ``details`` are the calls inside it that may be named beside it.

    ``is_whole`` says that the library works on what the site's function has returned: no line of it is to blame.
    ``view`` is the function, where the library has it.
    """

    library: str
    called_name: str
    details: tuple[str, ...]
    function: str
    cause: str
    advice: str
    is_whole: bool = False
    view: str = ""
    body: str = ""
    fixed_body: str = ""

    @property
    def path(self) -> str:
        return f"/{self.library}/"

    @property
    def fixed_path(self) -> str:
        return self.path if self.fixed_body else f"{self.path}fixed/"

    @property
    def module(self) -> str:
        return f"tests.libraries.site.by_{self.library}"

    @property
    def qualified_function(self) -> str:
        return self.view or f"{self.module}.{self.function}"

    @property
    def filename(self) -> Path:
        return SITE / f"by_{self.library}.py"

    @property
    def lineno(self) -> int:
        """The number of the line that is marked."""
        lines = self.filename.read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if BLOCKS in line)


def books(first: int) -> str:
    return json.dumps({"query": f"{{ books(first: {first}) {{ title pages }} }}"})


IN_LIBRARY = ()
"""A library that computes in Python: which of its functions took most of the time depends on the moment."""

MISTAKES = (
    Mistake(
        "adrf",
        called_name="rest_framework.serializers.ListSerializer.data",
        details=IN_LIBRARY,
        function="Books.get",
        cause="computing",
        advice="serializer",
    ),
    Mistake(
        "bcrypt",
        called_name="bcrypt.hashpw",
        details=("bcrypt.hashpw",),
        function="mistake",
        cause="computing",
        advice="key-derivation",
    ),
    Mistake(
        "boto3",
        called_name="botocore.client.S3.put_object",
        details=("http.client.HTTPConnection.getresponse",),
        function="store",
        cause="waiting",
        advice="aws",
    ),
    Mistake(
        "httpx",
        called_name="httpx.Client.get",
        details=("socket.socket.recv",),
        function="mistake",
        cause="waiting",
        advice="httpx",
    ),
    Mistake(
        "ninja",
        called_name="",
        details=IN_LIBRARY,
        function="list_books",
        cause="computing",
        advice="ninja",
        is_whole=True,
    ),
    Mistake(
        "openpyxl",
        called_name="openpyxl.Workbook.save",
        details=IN_LIBRARY,
        function="export",
        cause="computing",
        advice="workbook",
    ),
    Mistake(
        "pillow",
        called_name="PIL.Image.Image.save",
        details=IN_LIBRARY,
        function="as_png",
        cause="computing",
        advice="picture",
    ),
    Mistake(
        "psycopg",
        called_name="psycopg.Connection.execute",
        details=("psycopg.Connection.execute",),
        function="mistake",
        cause="waiting",
        advice="psycopg",
    ),
    Mistake(
        "redis",
        called_name="redis.commands.core.ListCommands.blpop",
        details=("socket.socket.recv",),
        function="Orders.next",
        cause="waiting",
        advice="redis",
    ),
    Mistake(
        "requests",
        called_name="requests.get",
        details=("http.client.HTTPConnection.getresponse",),
        function="rates",
        cause="waiting",
        advice="http",
    ),
    Mistake(
        "strawberry",
        called_name="",
        details=IN_LIBRARY,
        function="Query.books",
        cause="computing",
        advice="graphql",
        is_whole=True,
        body=books(15_000),
        fixed_body=books(20),
    ),
)
