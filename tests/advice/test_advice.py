import sys

import pytest

from loopwatch.advice import advice_for
from loopwatch.advice.catalogue import ALL
from loopwatch.wording.findings import CAUSES
from testproject.mistakes import MISTAKES
from tests.support.children import run

FITTING = {
    "card-hash": ("key-derivation", "to_thread"),
    "retry-sleep": ("sleep", "asyncio.sleep"),
    "http-call": ("http", "httpx"),
    "query": ("database", "acount()"),
    "template": ("template", "sync_to_async(render)"),
    "json": ("json", "StreamingHttpResponse"),
    "regular-expression": ("regular-expression", "rstrip"),
    "upload": ("file", "to_thread"),
    "subprocess": ("subprocess", "create_subprocess_exec"),
    "loop": ("computing", "asyncio.sleep(0)"),
    "chat": ("http", "to_thread"),
    "lock": ("lock", "to_thread(lock.acquire)"),
}
CAUSE = {"loop": "computing", "template": "computing", "json": "computing", "regular-expression": "computing"}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_every_mistake_of_the_demo_gets_the_advice_that_its_twin_follows(mistake):
    topic, code = FITTING[mistake.name]
    for name in mistake.blocking_calls:
        advice = advice_for(name, cause=CAUSE.get(mistake.name, "waiting"))
        assert advice.topic == topic
        assert code in advice.example


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("django.contrib.auth.authenticate", "password"),
        ("django.contrib.auth.hashers.check_password", "password"),
        ("django.contrib.auth.login", "session"),
        ("django.db.models.QuerySet.get", "orm"),
        ("django.core.cache.backends.redis.RedisCache.get", "cache"),
        ("django.core.mail.send_mail", "mail"),
        ("requests.get", "http"),
        ("requests_cache.get", "waiting"),
        ("time.sleeper", "waiting"),
        ("open", "file"),
        ("os.fork", "fork"),
        ("os.execv", "fork"),
        ("import pandas", "import"),
        ("sorted", "sorting"),
        ("json.loads", "json"),
        ("os.urandom", "cryptography"),
        ("yaml.safe_load", "xml"),
        ("", "waiting"),
        ("shop.views.checkout", "waiting"),
        ("<script>", "waiting"),
    ],
)
def test_the_longest_dotted_prefix_of_the_name_decides(name, topic):
    assert advice_for(name, cause="waiting").topic == topic


def test_a_lazy_import_has_its_own_advice():
    advice = advice_for("import pandas (lazy)", cause="importing")
    assert advice.topic == "lazy-import"
    assert advice != advice_for("import pandas", cause="importing")


@pytest.mark.parametrize(
    ("blocking_call", "called_name", "topic"),
    [
        ("time.sleep", "requests.Session.get", "http"),
        ("socket.socket.recv", "redis.commands.core.BasicKeyCommands.get", "redis"),
        ("zlib.compress", "django.core.cache.backends.filebased.FileBasedCache.set", "cache"),
        ("smtplib.SMTP", "logging.Logger.error", "logging"),
        ("django.core.mail.EmailMessage.send", "logging.Logger.error", "logging"),
        ("ssl.create_default_context", "httpx.AsyncClient", "new-client"),
        ("ssl.create_default_context", "httpx2.Client", "new-client"),
        ("socket.socket.recv", "httpx2.Client.get", "httpx"),
        ("json.loads", "boto3.client", "new-aws-client"),
        ("select.poll.poll", "botocore.client.S3.put_object", "aws"),
        ("select.poll.poll", "botocore.client.ClientCreator._create_api_method._api_call", "aws"),
        ("io.BufferedWriter.write", "django.db.models.fields.files.FieldFile.save", "stored-file"),
        ("json.dump", "django.core.serializers.serialize", "serializer"),
        ("zlib.compress", "openpyxl.Workbook.save", "workbook"),
        ("hashlib.pbkdf2_hmac", "django.contrib.auth.hashers.make_password", "password"),
        ("django.http.HttpResponse.write", "csv.writer.writerows", "response"),
        ("psycopg.Connection.connect", "psycopg.Connection.connect", "psycopg"),
        ("psycopg.Connection.wait", "django.db.models.QuerySet.count", "orm"),
        ("tempfile.NamedTemporaryFile", "django.core.handlers.asgi.ASGIRequest._get_files", "upload"),
        ("pydantic.BaseModel.model_validate", "ninja.Schema.from_orm", "ninja"),
        ("acme.resolve", "strawberry.Schema.execute_sync", "graphql"),
        ("sqlite3.Cursor.execute", "django.shortcuts.render", "template"),
        ("re.Pattern.match", "django.forms.BaseForm.is_valid", "form"),
        ("sqlite3.Cursor.execute", "rest_framework.pagination.PageNumberPagination.paginate_queryset", "orm"),
        ("json.loads", "rest_framework.request.Request.data", "upload"),
    ],
)
def test_the_call_in_the_users_line_decides_before_the_blocking_call_inside_of_it(blocking_call, called_name, topic):
    assert advice_for(blocking_call, cause="waiting", called_name=called_name).topic == topic


@pytest.mark.parametrize("called_name", ["sorted", "json.dumps", "re.sub", "copy.deepcopy", "pandas.read_sql"])
def test_the_blocking_call_decides_inside_of_a_call_that_runs_given_code(called_name):
    assert advice_for("sqlite3.Cursor.execute", cause="waiting", called_name=called_name).topic == "database"
    own = advice_for("acme.price_of", cause="computing", called_name=called_name)
    assert own == advice_for(called_name, cause="computing")


@pytest.mark.parametrize(
    ("called_name", "blocking_call", "cause", "topic"),
    [
        ("pygments.highlight", "re.Pattern.match", "computing", "computing"),
        ("acme.Client.fetch", "time.sleep", "waiting", "waiting"),
        ("acme.Pool.get", "threading.Lock.acquire", "waiting", "waiting"),
        ("bs4.BeautifulSoup", "re.Pattern.match", "computing", "xml"),
        ("", "re.Pattern.match", "computing", "computing"),
        ("acme.Client.sign", "hashlib.pbkdf2_hmac", "computing", "key-derivation"),
        ("any", "re.Pattern.search", "computing", "regular-expression"),
        ("list.sort", "re.Pattern.search", "computing", "regular-expression"),
        ("re.Pattern.match", "re.Pattern.match", "computing", "regular-expression"),
    ],
)
def test_a_cure_that_changes_the_call_is_not_for_a_call_that_a_library_makes(called_name, blocking_call, cause, topic):
    assert advice_for(blocking_call, cause=cause, called_name=called_name).topic == topic


def test_the_innermost_name_does_not_decide_where_a_library_computes():
    for leaf_name in ("re._compiler._optimize_charset", "json.JSONEncoder.encode", "acme.resolve"):
        advice = advice_for("acme.render", cause="computing", called_name="acme.render", leaf_name=leaf_name)
        assert advice.topic == "computing"
    assert advice_for("acme.go", cause="waiting", called_name="acme.go", leaf_name="time.sleep").topic == "waiting"


def test_the_innermost_name_decides_where_no_other_name_is_known():
    assert advice_for("acme.fetch", cause="waiting", called_name="acme.go", leaf_name="ssl.x").topic == "socket"
    assert advice_for("acme.fetch", cause="waiting", called_name="requests.get", leaf_name="ssl.x").topic == "http"
    assert advice_for("time.sleep", cause="waiting", leaf_name="socket.socket.recv").topic == "sleep"


@pytest.mark.parametrize(
    ("called_name", "calls_seen", "topic"),
    [
        ("django.db.models.fields.related_descriptors.ForwardManyToOneDescriptor.__get__", 14, "repeated-query"),
        ("sqlite3.Cursor.execute", 5, "repeated-query"),
        ("django.db.models.QuerySet.get", 4, "orm"),
        ("requests.get", 14, "http"),
    ],
)
def test_many_queries_in_one_step_are_to_be_asked_at_once(called_name, calls_seen, topic):
    assert advice_for(called_name, cause="waiting", called_name=called_name, calls_seen=calls_seen).topic == topic


@pytest.mark.parametrize(
    ("called_name", "blocking_call", "topic"),
    [
        ("django.shortcuts.render", "sqlite3.Cursor.execute", "repeated-query"),
        ("rest_framework.serializers.ListSerializer.data", "django.db.models.QuerySet.count", "repeated-query"),
        ("django.shortcuts.get_object_or_404", "sqlite3.Cursor.execute", "repeated-query"),
        ("django.forms.utils.RenderableMixin.render", "sqlite3.Cursor.execute", "repeated-query"),
        ("", "psycopg.Cursor.execute", "repeated-query"),
        ("django.shortcuts.render", "posix.stat", "template"),
        ("django.core.cache.backends.db.DatabaseCache.get", "sqlite3.Cursor.execute", "cache"),
        ("sqlite3.Cursor.fetchone", "sqlite3.Cursor.fetchone", "database"),
        ("django.contrib.auth.base_user.AbstractBaseUser.save", "sqlite3.Cursor.execute", "repeated-query"),
    ],
)
def test_many_queries_inside_of_one_call_are_to_be_asked_at_once(called_name, blocking_call, topic):
    assert advice_for(blocking_call, cause="waiting", called_name=called_name, calls_seen=14).topic == topic


def test_the_asynchronous_half_of_a_package_is_not_advised_to_switch_to_it():
    for called_name in ("redis.asyncio.client.Redis.get", "httpx2.AsyncClient.get", "psycopg.AsyncConnection.connect"):
        assert advice_for("socket.getaddrinfo", cause="waiting", called_name=called_name).topic == "name-lookup"


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_advice(cause):
    assert advice_for("acme.Client.fetch", cause=cause).cure


@pytest.mark.parametrize(
    ("cause", "topic"),
    [
        ("importing", "import"),
        ("garbage collection", "garbage-collection"),
        ("GIL held by a thread", "gil-held"),
    ],
)
def test_an_import_a_collection_or_a_thread_decides_before_the_name_of_the_call(cause, topic):
    assert advice_for("time.sleep", cause=cause).topic == topic


def test_an_unknown_cause_gets_general_advice():
    assert advice_for("acme.fetch", cause="bogus").topic == "waiting"


def test_topics_and_names_are_unique():
    names = [name for advice in ALL for name in (*advice.names, *advice.exact_names)]
    assert len(set(names)) == len(names)
    topics = [advice.topic for advice in ALL]
    assert len(set(topics)) == len(topics)


def test_advice_needs_no_settings():
    program = "from loopwatch.advice import advice_for; print(advice_for('time.sleep', cause='waiting').cure)"
    ran = run([sys.executable, "-c", program], check=True, env={})
    assert "Await asyncio.sleep()" in ran.stdout


def test_advice_imports_no_django():
    program = "import sys, loopwatch.advice; print(sorted(name for name in sys.modules if name.startswith('django')))"
    ran = run([sys.executable, "-c", program], check=True)
    assert ran.stdout == "[]\n"
