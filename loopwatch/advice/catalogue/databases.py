"""Clients of databases, queues and caches."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "database",
        _(
            "Use the ORM's asynchronous methods, or put everything that queries into one function and run it in the "
            "thread that has the connection."
        ),
        names=("sqlite3", "psycopg", "psycopg2", "psycopg_c", "psycopg_binary", "MySQLdb", "pymysql", "oracledb"),
        example="pairs = await bought_again().acount()\n"
        "async for book in Book.objects.filter(price__lt=10): …\n"
        "figures = await sync_to_async(build_figures)()",
        caveat=_(
            "A query that is slow stays slow for its own request: look at its plan and its indexes, and at how many "
            "rows it returns."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/async/#queries-the-orm",
    ),
    Advice(
        "sqlalchemy",
        _("Use SQLAlchemy's asynchronous engine and sessions."),
        names=("sqlalchemy",),
        example="engine = create_async_engine(url)\nrows = await session.execute(statement)",
        link="https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html",
    ),
    Advice(
        "redis",
        _("Use the asynchronous client that the redis package has."),
        names=("redis", "valkey"),
        example="from redis.asyncio import Redis\nvalue = await client.get(key)",
        link="https://redis.readthedocs.io/en/stable/examples/asyncio_examples.html",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "mongodb",
        _("Use the asynchronous client that the pymongo package has."),
        names=("pymongo",),
        example="client = AsyncMongoClient(url)\nbook = await client.shop.books.find_one({…})",
        link="https://pymongo.readthedocs.io/en/stable/async-tutorial.html",
    ),
    Advice(
        "search",
        _("Use the asynchronous client that the package has."),
        names=("elasticsearch", "opensearchpy", "elastic_transport"),
        example="client = AsyncElasticsearch(url)\nfound = await client.search(…)",
        link="https://elasticsearch-py.readthedocs.io/en/stable/async.html",
    ),
    Advice(
        "queue",
        _("Publish in a thread, or with an asynchronous client (aio-pika, aiokafka)."),
        names=("celery", "kombu", "amqp", "pika", "kafka", "confluent_kafka", "rq"),
        example="await asyncio.to_thread(task.delay, order.pk)",
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread",
        call_cure=Cure.THREAD,
    ),
)
