import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from loopwatch.detection.calls import Contribution
from loopwatch.recorder import event_columns
from tests import settings as settings_module
from tests.recorder.calls import blocking_call
from tests.stored import (
    NOON,
    stored_event,
    stored_finding,
    stored_hour,
    stored_loop_time,
    stored_route,
    stored_stack,
)

pytestmark = pytest.mark.django_db
LIST = reverse("admin:loopwatch_blockingevent_changelist")

LIBRARY = ("django/core/handlers/base.py", "BaseHandler.get_response", 253, 8, 40, 0, "")
OWN = ("shop/views.py", "checkout", 2, 7, 22, 1, "nap = time.sleep(0.1)")


def page_url(event):
    return reverse("admin:loopwatch_blockingevent_change", args=[event.pk])


def page_of(client, event):
    return page_at(client, page_url(event))


def page_at(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def contribution(name, own_ms, count, function="", lineno=0):
    """Return a contribution as the writer stores it."""
    return {"name": name, "own_ms": own_ms, "count": count, "function": function, "lineno": lineno}


@pytest.fixture
def shop(settings, tmp_path):
    """The site's own source, in which line 2 makes the call."""
    settings.BASE_DIR = tmp_path
    (tmp_path / "shop").mkdir()
    source = tmp_path / "shop" / "views.py"
    source.write_text("def checkout():\n\tnap = time.sleep(0.1)\n\treturn nap\n")
    return source


def event_in_shop(**columns):
    finding = stored_finding(lineno=2)
    stack = stored_stack(LIBRARY, OWN)
    return stored_event(finding, **{"stacks": stack, "source": "time.sleep(0.1)"} | columns)


def test_the_page_of_an_event_shows_every_figure(admin_client):
    event = stored_event(
        stored_finding(),
        duration_us=1_234_000,
        step_us=2_345_000,
        requests_delayed=17,
        consumer="chat.consumers.Chat",
        contributions=[contribution("shop.tiny", 58.6, 250), contribution("time.sleep", 1_172.5, None)],
        ongoing=True,
    )
    page = page_of(admin_client, event)
    for part in ("1.2 s", "2.3 s", ">17<", "GET shop/&lt;int:pk&gt;/", "chat.consumers.Chat", "ongoing"):
        assert part in page
    for part in ("Task-7", "web-1", ">4711<", "1.4.2", "sampling", "Waiting."):
        assert part in page
    assert page.index("50 %") < page.index("shop.tiny")
    assert ">250<" in page


def test_the_page_of_an_event_lists_delayed_requests_by_route(admin_client):
    waited = [["GET", "shop/<int:pk>/", 7], ["", "", 2], "junk", ["GET", 3]]
    event = stored_event(stored_finding(), requests_delayed=9, delayed_routes=waited)
    routes = page_of(admin_client, event).partition('id="loopwatch-delayed"')[2].partition("</section>")[0]
    assert (
        routes.index("GET shop/&lt;int:pk&gt;/") < routes.index(">7<") < routes.index("no route") < routes.index(">2<")
    )
    assert "junk" not in routes


def test_an_event_without_delayed_requests_has_no_table_of_them(admin_client):
    assert "loopwatch-delayed" not in page_of(admin_client, stored_event(stored_finding()))


def test_the_samples_of_an_event_are_a_tree_with_times(admin_client):
    stack = stored_stack(LIBRARY, OWN, LIBRARY)
    stack["samples"] = [[60.0, [0, 1]], [40.0, [0, 1, 2]]]
    tree = page_of(admin_client, stored_event(stored_finding(), stacks=stack)).partition('class="loopwatch-tree"')[2]
    assert tree.index("100 % · 100 ms") < tree.index("60 % · 60 ms") < tree.index("40 % · 40 ms")
    assert "time.sleep" in tree


def test_stored_contributions_are_shown(admin_client):
    call = blocking_call(contributions=(Contribution("shop.tiny", 58.6, 250, None, "shop.views.checkout", 12),))
    columns = event_columns.columns(call, release="")
    page = page_of(admin_client, stored_event(stored_finding(), contributions=columns["contributions"]))
    assert page.index("shop.tiny") < page.index("in shop.views.checkout, line 12") < page.index("59 ms")
    assert page.index("59 ms") < page.index(">250<")


@pytest.mark.parametrize("page", ["event", "finding"])
def test_a_page_names_the_second_place_in_the_step(admin_client, page):
    other = {"other_function": "shop.views.locate", "other_called_name": "time.sleep", "other_lineno": 7}
    finding = stored_finding(**other, other_us=200_000)
    event = stored_event(finding, **other, other_us=200_000)
    url = page_url(event) if page == "event" else reverse("admin:loopwatch_finding_change", args=[finding.pk])
    assert "And 200 ms of time.sleep in shop.views.locate, line 7" in page_at(admin_client, url)


def test_the_page_of_a_finding_has_the_second_place_of_each_event(admin_client):
    finding = stored_finding()
    for line in (7, 9):
        place = {"other_function": "shop.views.locate", "other_called_name": "time.sleep", "other_lineno": line}
        stored_event(finding, **place, other_us=200_000)
    page = page_at(admin_client, reverse("admin:loopwatch_finding_change", args=[finding.pk]))
    assert "of time.sleep in shop.views.locate, line 7" in page
    assert "of time.sleep in shop.views.locate, line 9" in page


@pytest.mark.parametrize("page", ["event", "finding"])
def test_a_page_says_how_many_calls_were_seen_and_what_to_do_about_many(admin_client, page):
    name = "django.db.models.QuerySet.get"
    finding = stored_finding(blocking_call=name, calls_seen=14)
    event = stored_event(finding, blocking_call=name, called_name=name, calls_seen=14)
    url = page_url(event) if page == "event" else reverse("admin:loopwatch_finding_change", args=[finding.pk])
    assert "At least 14 calls in one step" in page_at(admin_client, url)
    assert "select_related" in page_at(admin_client, url)


def test_the_call_is_marked_in_its_line_as_the_file_is_now(admin_client, shop):
    page = page_of(admin_client, event_in_shop())
    assert "<code>def checkout():</code>" in page
    assert "<code>\tnap = <mark>time.sleep(0.1)</mark></code>" in page
    assert "<code>\treturn nap</code>" in page


def test_source_lines_on_the_page_of_an_event_are_escaped(admin_client, shop):
    shop.write_text("# <script>alert(1)</script>\n\tnap = time.sleep(0.1) # <b>\n# <i>")
    stack = stored_stack((*OWN[:6], "nap = time.sleep(0.1) # <b>"))
    page = page_of(admin_client, event_in_shop(stacks=stack))
    assert "# &lt;script&gt;alert(1)&lt;/script&gt;" in page
    for tag in ("<script>alert(1)", "<b>", "<i>"):
        assert tag not in page


def test_in_app_frames_are_open_and_library_frames_folded(admin_client, shop):
    page = page_of(admin_client, event_in_shop())
    folded, _, own = page.partition("loopwatch-own")
    assert "1 library frame: django" in folded
    assert "BaseHandler.get_response" in folded
    assert "shop.views.checkout" in own
    assert "nap = <mark>time.sleep(0.1)</mark>" in own.replace("<code>", "")


def test_a_stack_without_in_app_frames_is_not_folded(admin_client):
    page = page_of(admin_client, stored_event(stored_finding(), stacks=stored_stack(LIBRARY, LIBRARY)))
    assert '<details class="loopwatch-library" open>' in page
    assert "2 times in a row" in page


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "not on this machine"),
        (b"# \xff\xfe\nnap = time.sleep(0.1)\n", "neither in UTF-8"),
        (b"import time\nawait asyncio.sleep(0.1)\n", "changed since"),
        (b"one line only\n", "changed since"),
    ],
)
def test_if_a_file_cannot_be_shown_the_stored_line_is_shown_with_the_reason(admin_client, shop, content, reason):
    shop.unlink()
    if content is not None:
        shop.write_bytes(content)
    page = page_of(admin_client, event_in_shop())
    assert reason in page
    assert "nap = <mark>time.sleep(0.1)</mark>" in page


def test_an_event_without_a_stored_stack_shows_the_place_of_its_call(admin_client, shop):
    page = page_of(admin_client, event_in_shop(stacks={}))
    assert "the line of the call was not stored" in page
    assert "<mark>time.sleep(0.1)</mark>" in page
    assert "return nap" not in page


@pytest.mark.parametrize("source", ["", "SECRET_KEY"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_line_of_the_settings_is_not_shown_even_if_a_row_names_it(admin_client, settings, source, kept):
    settings.BASE_DIR = Path(settings_module.__file__).parent.parent
    place = {"filename": "tests/settings.py", "lineno": 8, "source": source}
    finding = stored_finding(**place)
    stack = stored_stack(("tests/settings.py", "<module>", 8, 0, 0, 1, 'SECRET_KEY = "tests only"'[: kept and 99]))
    event = stored_event(finding, stacks=stack, **place)
    for page in (
        page_of(admin_client, event),
        page_at(admin_client, reverse("admin:loopwatch_finding_change", args=[finding.pk])),
    ):
        assert "may hold secrets" in page
        assert "BASE_DIR" not in page
        assert kept or "tests only" not in page


def test_the_stacks_of_other_threads_are_folded(admin_client, shop):
    stack = stored_stack(LIBRARY, OWN) | {"threads": [[3, [0, 1]], [1, [0]]]}
    page = page_of(admin_client, event_in_shop(stacks=stack))
    _, _, threads = page.partition("Other threads while it lasted")
    first, second = threads.partition("</section>")[0].split('<details class="loopwatch-thread">')[1:]
    assert "<code>shop.views.checkout</code>" in first
    assert "3 threads" in first
    assert "nap = <mark>time.sleep(0.1)</mark>" in first.replace("<code>", "")
    assert "<code>django.core.handlers.base.BaseHandler.get_response</code>" in second
    assert "threads" not in second


def test_a_page_without_other_threads_does_not_mention_them(admin_client, shop):
    assert "Other threads" not in page_of(admin_client, event_in_shop())


def test_other_threads_that_cannot_be_read_are_reported(admin_client, shop):
    page = page_of(admin_client, event_in_shop(stacks=stored_stack(OWN) | {"threads": [[1, [9]]]}))
    assert "cannot be read" in page


def test_a_line_of_the_settings_is_not_shown_in_another_thread(admin_client, settings):
    settings.BASE_DIR = Path(settings_module.__file__).parent.parent
    frame = ("tests/settings.py", "<module>", 8, 0, 0, 1, "")
    stack = stored_stack(frame) | {"threads": [[1, [0]]]}
    assert "tests only" not in page_of(admin_client, stored_event(stored_finding(), stacks=stack))


@pytest.mark.parametrize("stacks", [{}, [], "junk", {"version": 2}, {"version": 1, "frames": 7, "samples": [[1, [9]]]}])
def test_an_unreadable_stack_leaves_the_rest_of_the_page(admin_client, stacks):
    page = page_of(admin_client, stored_event(stored_finding(), stacks=stacks, contributions={"junk": 1}))
    assert "<mark>time.sleep(0.1)</mark>" in page


def test_a_deep_stack_is_shown_whole(admin_client):
    frames = [("shop/tree.py", f"walk_{number % 2}", 5, 0, 0, 1, "walk(child)") for number in range(300)]
    page = page_of(admin_client, stored_event(stored_finding(), stacks=stored_stack(*frames)))
    stack, _, tree = page.partition("loopwatch-flame-drawing")
    assert stack.count("shop/tree.py:5") == tree.count("shop/tree.py:5") == 300


def test_the_neighbours_are_the_events_of_the_same_finding_in_time(admin_client):
    finding = stored_finding()
    first, second, third = (stored_event(finding, started_at=NOON + timedelta(minutes=at)) for at in (0, 1, 1))
    stored_event(stored_finding(), started_at=NOON + timedelta(seconds=30))
    contexts = [admin_client.get(page_url(event)).context for event in (first, second, third)]
    neighbours = [(context["previous"], context["next"]) for context in contexts]
    assert neighbours == [(None, second.pk), (first.pk, third.pk), (second.pk, None)]


def test_nothing_of_an_event_can_be_changed(staff):
    event = stored_event(stored_finding())
    client = staff("view_blockingevent", "change_blockingevent")
    page = page_of(client, event)
    assert 'type="submit" value=' not in page
    assert client.post(page_url(event), {"host": "elsewhere"}).status_code == 403


def test_the_finding_is_linked_for_users_who_may_view_it(staff):
    event = stored_event(stored_finding())
    page = page_of(staff("view_blockingevent"), event)
    assert reverse("admin:loopwatch_finding_change", args=[event.finding_id]) not in page


def test_the_list_of_one_finding_leaves_the_stacks_in_the_database(admin_client, django_assert_max_num_queries):
    finding = stored_finding()
    for _ in range(50):
        stored_event(finding)
    stored_event(stored_finding())
    with django_assert_max_num_queries(8):
        response = admin_client.get(LIST, {"finding__id__exact": finding.pk})
        response.content.decode()
    events = response.context["cl"].result_list
    assert len(events) == 50
    assert {"stacks", "contributions"} <= events[0].get_deferred_fields()


def share_of(client, begin, end, **query):
    """Return what the list of a span says about it."""
    span = {"from": begin.isoformat(), "to": end.isoformat()}
    page = client.get(LIST, span | query).content.decode()
    found = re.search(r'<p class="loopwatch-set-aside">(.*?)</p>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


@pytest.mark.parametrize(("days", "minutes"), [(0, 1), (5, 60), (29, 60)])
def test_a_list_without_events_says_how_many_stalls_there_were(admin_client, days, minutes):
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=days)
    end = begin + timedelta(hours=1)
    stored_loop_time(minutes=minutes, start=begin, events=84)
    stored_loop_time(minutes=minutes, start=begin, events=1, process_id=2)
    stored_loop_time(minutes=minutes, start=end, events=7)
    assert "85 stalls, 0 of them stored in detail. Details are kept of the slowest and newest 50" in share_of(
        admin_client, begin, end
    )
    stored_event(stored_finding(), started_at=begin)
    assert "85 stalls, 1 of them stored in detail." in share_of(admin_client, begin, end, o="1")


def test_the_list_of_a_day_long_ago_counts_the_totals_of_routes(admin_client):
    """A day of the reader has the totals of the day (UTC) with its date."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=100)
    for days, events in ((0, 5), (1, 7)):
        stored_route(hours=24, start=day + timedelta(days=days), events=events)
    begin, end = (timezone.make_aware((day + timedelta(days=days)).replace(tzinfo=None)) for days in (0, 1))
    assert "5 stalls, 0 of them" in share_of(admin_client, begin, end)


def test_the_list_of_an_hour_of_a_finding_counts_its_stalls(admin_client):
    finding = stored_finding()
    stored_hour(finding, *[60] * 9)
    stored_hour(stored_finding(), 60)
    stored_event(finding, started_at=NOON)
    hour = {"begin": NOON, "end": NOON + timedelta(hours=1), "finding__id__exact": finding.pk}
    assert "9 stalls, 1 of them stored in detail." in share_of(admin_client, **hour)
    assert "stalls," not in share_of(admin_client, **hour, cause="waiting")
    assert "stalls," not in share_of(admin_client, **hour | {"end": NOON + timedelta(minutes=9)})


def test_a_list_without_a_span_has_no_such_line(admin_client):
    assert "loopwatch-set-aside" not in admin_client.get(LIST).content.decode()
    assert "loopwatch-set-aside" not in admin_client.get(LIST, {"span": "any"}).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        *("cause=bogus", "finding__id__exact=x", "started_at__gte=bogus", "from=bogus", "p=77", "bogus=1"),
        pytest.param(f"finding={'9' * 20}", id="a finding that no column can number"),
    ],
)
def test_an_invalid_query_is_never_a_server_error(admin_client, query):
    assert admin_client.get(f"{LIST}?{query}", follow=True).status_code == 200
