"""Each example of the advice is executed by a test, or is listed here with the reason why it is only shown."""

from tests.advice.examples import EVERY, EXECUTED
from tests.advice.examples import test_of_computing as _computing  # noqa: F401 - enters what it executes
from tests.advice.examples import test_of_databases as _databases  # noqa: F401
from tests.advice.examples import test_of_django as _django  # noqa: F401
from tests.advice.examples import test_of_machine as _machine  # noqa: F401
from tests.advice.examples import test_of_network as _network  # noqa: F401

ONLY_SHOWN = {
    "sqlalchemy": "needs SQLAlchemy and an asynchronous driver",
    "mongodb": "needs pymongo and a server",
    "search": "needs Elasticsearch",
    "queue": "needs a task queue and its broker",
    "grpc": "needs grpcio and generated code",
    "api-client": "covers many packages",
    "ssh": "needs paramiko and a server",
    "import": "is a comment on where a statement belongs",
    "lazy-import": "needs Python 3.15 and changes the imports of the process",
}
WITHOUT_CODE = {"prompt"}


def test_every_example_is_executed_or_listed_with_a_reason():
    assert EXECUTED | ONLY_SHOWN.keys() | WITHOUT_CODE == EVERY.keys()
    assert EXECUTED & ONLY_SHOWN.keys() == set()


def test_only_what_is_listed_has_no_code():
    assert {topic for topic, advice in EVERY.items() if not advice.example} == WITHOUT_CODE


def test_an_example_that_is_only_shown_is_python_all_the_same():
    for topic in ONLY_SHOWN:
        compile(f"async def example():\n    {EVERY[topic].example.replace(chr(10), chr(10) + '    ')}", topic, "exec")
