"""Lists the advice for clients of databases, queues and caches."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "database",
        _("Use the ORM's asynchronous methods, or move all queries into one function and call it with sync_to_async."),
        names=("sqlite3", "psycopg2", "MySQLdb", "pymysql", "oracledb", "pandas.read_sql", "pandas.io.sql"),
        example="pairs = await bought_again().acount()\n"
        "cheap = [book async for book in Book.objects.filter(price__lt=10)]\n"
        "figures = await sync_to_async(build_figures)()",
        caveat=_(
            "A slow query still slows down its own request: check its plan, its indexes and the number of rows "
            "it returns."
        ),
        link="https://docs.djangoproject.com/en/stable/topics/async/#queries-the-orm",
    ),
    Advice(
        "psycopg",
        _("Use psycopg.AsyncConnection; if the ORM made the query, use the ORM's asynchronous methods."),
        names=("psycopg", "psycopg_c", "psycopg_binary", "psycopg_pool"),
        example="async with await psycopg.AsyncConnection.connect(conninfo) as connection:\n"
        '    cursor = await connection.execute("SELECT %s + 1", [41])\n'
        "    row = await cursor.fetchone()",
        caveat=_("Connecting takes a while: keep connections in a psycopg_pool.AsyncConnectionPool."),
        link="https://www.psycopg.org/psycopg3/docs/advanced/async.html",
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
        _("Use redis.asyncio, whose client has the same methods, or run the call in a thread."),
        names=("redis", "valkey"),
        example="client = redis.asyncio.Redis.from_url(url)  # one for all requests\nvalue = await client.get(key)",
        link="https://redis.readthedocs.io/en/stable/examples/asyncio_examples.html",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "mongodb",
        _("Use the asynchronous client of the pymongo package."),
        names=("pymongo",),
        example='client = AsyncMongoClient(url)\nbook = await client.shop.books.find_one({"title": title})',
        link="https://pymongo.readthedocs.io/en/stable/async-tutorial.html",
    ),
    Advice(
        "search",
        _("Use the asynchronous client of the package."),
        names=("elasticsearch", "opensearchpy", "elastic_transport"),
        example="client = AsyncElasticsearch(url)\nfound = await client.search(query=query)",
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
