import csv
import io
import json
import threading
import tracemalloc
from contextlib import aclosing
from datetime import timedelta

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient, AsyncRequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loopwatch.admin.exports import admin as exports
from loopwatch.admin.exports import columns
from loopwatch.admin.exports.columns import EVENT, ExportColumn, rows_of
from loopwatch.admin.exports.lines import csv_lines, json_lines
from loopwatch.admin.exports.streaming import streaming_response
from loopwatch.models import BlockingEvent, Finding
from tests.databases import on_sqlite
from tests.stored import NOON, event_columns, stored_event, stored_finding, stored_health, stored_stack

pytestmark = pytest.mark.django_db
OWN = ("shop/views.py", "checkout", 41, 7, 22, 1, "nap = time.sleep(0.1)")
NAIVE = NOON.replace(tzinfo=None)
FORMS = ("csv", "json", "speedscope", "collapsed")


def list_url(form, model="finding"):
    return reverse(f"admin:loopwatch_{model}_export", args=[form])


def flame_url(row, form):
    return reverse(f"admin:loopwatch_{row._meta.model_name}_flame", args=[row.pk, form])


def text_of(response):
    assert response.status_code == 200
    return response.getvalue().decode()


def objects(client, model="finding", **query):
    return json.loads(text_of(client.get(list_url("json", model), query)))


def table(client, model="finding", **query):
    return list(csv.DictReader(io.StringIO(text_of(client.get(list_url("csv", model), query)), newline="")))


def test_findings_have_the_figures_of_the_report(admin_client):
    stored_finding(blocked_us=1_234_567, longest_us=900_001, events=7, status="open", last_release="1.4")
    (row,) = objects(admin_client)
    assert (row["blocked_ms"], row["longest_ms"], row["events"]) == (1234.567, 900.001, 7)
    assert (row["blocking_call"], row["function"], row["lineno"]) == ("time.sleep", "shop.views.checkout", 41)
    assert (row["first_seen"], row["last_release"], row["exact"]) == ("2026-11-01T12:00:00+00:00", "1.4", True)


def test_events_name_their_finding(admin_client):
    finding = stored_finding()
    event = stored_event(finding, duration_us=60_500)
    (row,) = table(admin_client, "blockingevent")
    assert (row["fingerprint"], row["stall_id"]) == (finding.fingerprint, event.stall_id)
    assert (row["duration_ms"], row["route"], row["blocking_call"]) == ("60.5", "shop/<int:pk>/", "time.sleep")


def test_processes_have_no_flame_graph(admin_client):
    stored_health(dropped=3, errors={"callback": 5})
    (row,) = objects(admin_client, "processhealth")
    assert (row["host"], row["dropped"], row["errors"]) == ("web-1", 3, "callback 5")
    page = admin_client.get(reverse("admin:loopwatch_processhealth_changelist")).content.decode()
    assert list_url("csv", "processhealth") in page
    assert "speedscope" not in page
    assert admin_client.get(list_url("speedscope", "processhealth")).status_code == 404


def test_exported_moments_have_their_offset_with_and_without_use_tz(admin_client, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Kolkata"
    stored_event(stored_finding(first_seen=NAIVE, last_seen=NAIVE), started_at=NAIVE)
    (finding,), (event,) = objects(admin_client), objects(admin_client, "blockingevent")
    assert finding["first_seen"] == event["started_at"] == "2026-11-01T12:00:00+05:30"


def test_csv_and_json_have_the_same_values(admin_client):
    stored_finding(function="naïve.名前", source='say("a;b,c")\n')
    (row,), (line,) = objects(admin_client), table(admin_client)
    assert list(row) == list(line)
    assert {name: str(value) for name, value in row.items()} == line


def test_the_list_is_exported_as_it_is_filtered_searched_and_ordered(admin_client):
    for number in range(3):
        stored_finding(function=f"shop.{number}", blocked_us=number, cause="computing")
    stored_finding(function="shop.waiting", cause="waiting")
    stored_finding(function="shop.done", status="resolved", cause="computing")
    functions = [row["function"] for row in objects(admin_client, cause="computing", q="shop", o="2")]
    assert functions == ["shop.0", "shop.1", "shop.2"]
    assert [row["function"] for row in objects(admin_client, status="resolved")] == ["shop.done"]


def test_more_rows_than_a_page_shows_are_all_there(admin_client):
    finding = stored_finding()
    for _ in range(120):
        stored_event(finding)
    assert len(table(admin_client, "blockingevent", finding__id__exact=finding.pk)) == 120


def test_an_empty_list_is_a_valid_file(admin_client):
    assert objects(admin_client) == []
    assert table(admin_client) == []


def test_the_list_links_to_its_exports_with_its_filters(admin_client):
    page = admin_client.get(reverse("admin:loopwatch_finding_changelist"), {"cause": "waiting", "q": "<b>"})
    for form in FORMS:
        assert f'href="{list_url(form)}?cause=waiting&amp;q=%3Cb%3E"' in page.content.decode()


def test_no_exported_text_is_a_formula():
    (line,) = list(csv.reader(list(csv_lines(["name"], [["=1+1"]]))[1:]))
    assert line == ["'=1+1"]


def test_exported_numbers_stay_numbers():
    assert list(csv_lines(["a", "b"], [[-1, 2.5]]))[1] == "-1,2.5\r\n"


def test_exported_json_has_one_object_per_line():
    lines = "".join(json_lines(["a"], [["</script>"], [None]])).splitlines()
    assert lines == ["[", '{"a": "</script>"},', '{"a": null}', "]"]


@pytest.mark.parametrize("form", FORMS)
def test_an_export_is_an_attachment_that_browsers_do_not_render(admin_client, form):
    finding = stored_finding()
    for url in (list_url(form), *([flame_url(finding, form)] if form in FORMS[2:] else [])):
        response = admin_client.get(url)
        assert response["Content-Disposition"].startswith('attachment; filename="loopwatch-findings')
        assert response["X-Content-Type-Options"] == "nosniff"
        response.getvalue()


@pytest.mark.parametrize("form", ["xml", "drawing", "CSV", "0"])
def test_an_unknown_export_format_is_not_found(admin_client, form):
    assert admin_client.get(list_url(form)).status_code == 404
    if form != "drawing":
        assert admin_client.get(flame_url(stored_finding(), form)).status_code == 404


@pytest.mark.parametrize(
    "query", ["p=x", "bogus=1", "finding__id__exact=x", "started_at__gte=bogus", f"finding={'9' * 20}"]
)
def test_an_export_with_an_invalid_query_redirects_to_the_list(admin_client, query):
    response = admin_client.get(f"{list_url('csv', 'blockingevent')}?{query}", follow=True)
    assert response.status_code == 200


def test_flame_graphs_are_linked_for_users_who_may_view_events(staff):
    page = staff("view_finding").get(reverse("admin:loopwatch_finding_changelist")).content.decode()
    assert list_url("csv") in page
    assert list_url("speedscope") not in page


def test_the_flame_graph_of_a_finding_is_that_of_its_events(admin_client):
    finding = stored_finding()
    for _ in range(2):
        stored_event(finding, stacks=stored_stack(OWN))
    stored_event(stored_finding(), stacks=stored_stack(OWN))
    assert text_of(admin_client.get(flame_url(finding, "collapsed"))) == "shop.views.checkout;time.sleep 200000\n"
    speedscope = json.loads(text_of(admin_client.get(flame_url(finding, "speedscope"))))
    assert speedscope["profiles"][0]["endValue"] == 200
    assert speedscope["name"] == "time.sleep in shop.views.checkout (2 events)"


def test_the_flame_graph_of_a_list_is_that_of_the_filtered_rows(admin_client):
    events = [stored_event(stored_finding(cause=cause), stacks=stored_stack(OWN)) for cause in ("waiting", "computing")]
    for model in ("finding", "blockingevent"):
        response = admin_client.get(list_url("collapsed", model), {"cause": "waiting"})
        assert text_of(response) == "shop.views.checkout;time.sleep 100000\n"
    assert text_of(admin_client.get(flame_url(events[1], "collapsed"))) == "shop.views.checkout;time.sleep 100000\n"


def test_the_newest_events_are_merged_when_there_are_too_many(admin_client, monkeypatch):
    monkeypatch.setattr(exports, "EVENTS_IN_FILES", 2)
    finding = stored_finding()
    for minute in range(4):
        stack = stored_stack((*OWN[:1], f"checkout_{minute}", *OWN[2:]))
        stored_event(finding, started_at=NOON + timedelta(minutes=minute), stacks=stack)
    lines = text_of(admin_client.get(flame_url(finding, "collapsed"))).splitlines()
    assert [line.partition(";")[0] for line in lines] == ["shop.views.checkout_2", "shop.views.checkout_3"]


def test_the_drawing_holds_frames_once_and_every_node_after_its_caller(admin_client):
    event = stored_event(stored_finding(), stacks=stored_stack(OWN, OWN))
    drawing = admin_client.get(flame_url(event, "drawing")).json()
    assert drawing["frames"] == [["shop.views.checkout", "shop/views.py", 1], ["time.sleep", "", 0]]
    assert drawing["nodes"] == [[0, -1, 41, 100, 0], [0, 0, 41, 100, 0], [1, 1, 0, 100, 100]]
    assert (drawing["total_ms"], drawing["hidden"]) == (100, 0)


def test_a_row_that_does_not_exist_is_not_found(admin_client):
    for model in ("finding", "blockingevent"):
        for pk in (99, 10**40):
            url = reverse(f"admin:loopwatch_{model}_flame", args=[pk, "drawing"])
            assert admin_client.get(url).status_code == 404


async def test_an_export_is_streamed_under_asgi_too(database):
    """Read an asynchronous stream; Django would collect a synchronous one in memory and warn."""
    client = AsyncClient()
    await client.aforce_login(await sync_to_async(User.objects.create_superuser)("ada"))
    await sync_to_async(store_events)(1_200)
    response = await client.get(list_url("json", "blockingevent"))
    assert response.is_async
    parts = [part async for part in response.streaming_content]
    assert len(parts) == 3
    assert len(json.loads(b"".join(parts))) == 1_200
    await sync_to_async(connections.close_all)()


def test_a_list_is_read_a_part_at_a_time(database, monkeypatch):
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", 50)
    store_events(1_000)
    rows = rows_of(BlockingEvent.objects.order_by("pk"), EVENT)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows) == 1_000
        _, in_parts = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        assert len(list(rows_of(BlockingEvent.objects.order_by("pk"), EVENT))) == 1_000
        _, at_once = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert in_parts < 0.5 * at_once


@on_sqlite
def test_no_query_is_open_while_the_client_reads_no_further(database, monkeypatch):
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", 50)
    store_events(200)
    rows = rows_of(BlockingEvent.objects.order_by("pk"), EVENT)
    next(rows)
    with connections["default"].cursor() as cursor:
        cursor.execute("VACUUM")  # SQLite refuses it while a statement is in progress
    assert sum(1 for _ in rows) == 199


def test_an_export_has_the_order_of_its_list_and_leaves_out_what_is_deleted_meanwhile(database, monkeypatch):
    monkeypatch.setattr(columns, "_ROWS_AT_ONCE", 2)
    for number in range(6):
        stored_finding(events=(number * 5) % 7)
    rows = rows_of(Finding.objects.order_by("events"), (ExportColumn("events", "events"),))
    found = [next(rows)]
    Finding.objects.filter(events=4).delete()
    assert [*found, *rows] == [[0], [1], [3], [5], [6]]


def test_a_list_is_not_searched_again_for_every_chunk_of_its_rows(admin_client, monkeypatch):
    for _ in range(6):
        stored_finding()
    searches = []
    for rows_at_once in (2, 6):
        monkeypatch.setattr(columns, "_ROWS_AT_ONCE", rows_at_once)
        with CaptureQueriesContext(connections["default"]) as queries:
            assert len(objects(admin_client, q="checkout")) == 6
        searches.append(sum("loopwatch_hourlytotal" in query["sql"] for query in queries))
    assert searches[0] == searches[1]


async def test_a_disconnected_client_ends_the_query_in_the_thread_it_began_in():
    threads = []

    def lines():
        try:
            threads.append(threading.get_ident())
            yield from ["line\n"] * 10_000
        finally:
            threads.append(threading.get_ident())

    request = AsyncRequestFactory().get("/")
    response = streaming_response(request, lines(), filename="list.csv", content_type="text/csv")
    async with ThreadSensitiveContext():
        async with aclosing(aiter(response)) as parts:
            assert len(await anext(parts)) == 500 * len("line\n")
        await sync_to_async(response.close)()
    began, ended = threads
    assert began == ended != threading.get_ident()


def store_events(number):
    finding = stored_finding()
    rows = [BlockingEvent(**event_columns(finding)) for _ in range(number)]
    BlockingEvent.objects.bulk_create(rows)


def test_a_drawing_compares_the_events_of_two_releases(admin_client):
    finding = stored_finding()
    for release, name in (("1.4", "slow"), ("1.5", "slow"), ("1.5", "new")):
        stacks = stored_stack(("shop/views.py", name, 1, 0, 0, 1, ""))
        stored_event(finding, release=release, stacks=stacks, leaf_name="")
    url = reverse("admin:loopwatch_finding_flame", args=[finding.pk, "drawing"])
    drawing = admin_client.get(url, {"before": "1.4", "after": "1.5"}).json()
    assert {drawing["frames"][node[0]][0]: node[3:] for node in drawing["nodes"]} == {
        "shop.views.slow": [100.0, 100.0, 1.0],
        "shop.views.new": [100.0, 100.0, 0.0],
    }
    assert {len(node) for node in admin_client.get(url).json()["nodes"]} == {5}
    assert admin_client.get(url, {"before": "\0", "after": "gone"}).json()["nodes"] == []
