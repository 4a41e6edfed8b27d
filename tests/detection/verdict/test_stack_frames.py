"""A stack as it is shown."""

from dataclasses import replace

import django.template.base as django_templates
import jinja2
import pytest

from loopwatch.detection.calls import StackFrame
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.cpython.templates import DjangoTemplate, template_at
from loopwatch.detection.verdict.stack_frames import frames_of, threads_of
from tests.detection import shop
from tests.detection.builders import observation, reported, site

CHECKOUT = site(shop.checkout, "add_up(cart)")
PAGE = jinja2.Environment().from_string("a\nb\n{{ c }}")
ROOT = PAGE.root_render_func
LAST = next(offset for offset, _, line in ROOT.__code__.co_lines() if line and PAGE.get_corresponding_lineno(line) == 3)
RENDERS = Site(ROOT.__code__, LAST, "", template=template_at(ROOT.__code__, ROOT.__globals__, None))
NODE = site(django_templates.Node.render_annotated)


def test_the_outermost_frame_is_first():
    frames = frames_of([site(shop.add_up), CHECKOUT])
    assert [(frame.name, frame.is_in_app) for frame in frames] == [("shop.checkout", True), ("shop.add_up", True)]


def test_a_template_is_shown_by_its_name_and_line():
    assert frames_of([RENDERS]) == (StackFrame("<template>", "", "template", 3),)


@pytest.mark.parametrize(
    ("filename", "is_in_app"),
    [
        pytest.param("/srv/site/templates/page.html", True, id="the site's"),
        pytest.param(django_templates.__file__, False, id="a library's"),
        pytest.param("<unknown source>", False, id="none"),
        pytest.param("", False, id="not known"),
    ],
)
def test_a_template_is_in_app_if_its_file_is_the_sites(filename, is_in_app):
    template = DjangoTemplate("page.html", filename, 12, "{% for %}")
    (frame,) = frames_of([replace(NODE, template=template)])
    assert frame == StackFrame(filename, "", "template page.html {% for %}", 12, is_in_app=is_in_app)


def test_code_that_is_like_a_templates_but_has_no_template_is_shown_as_it_is():
    (frame,) = frames_of([replace(RENDERS, template=None)])
    assert (frame.function, frame.is_in_app) == ("root", False)


def test_threads_that_run_in_app_code_come_first():
    library, own = site(django_templates.Node.render_annotated), site(shop.checkout, "add_up(cart)")
    threads = threads_of([((library,), 5), ((own, library), 2), ((library, library), 1)])
    assert [(len(thread.frames), thread.count) for thread in threads] == [(2, 2), (1, 5), (2, 1)]


def test_a_report_has_the_stacks_of_the_other_threads():
    seen = replace(observation(), other_threads=(((site(shop.checkout, "add_up(cart)"),), 2),))
    ((frames, count),) = [(each.frames, each.count) for each in reported(seen=seen, ongoing=True).other_threads]
    assert ([frame.name for frame in frames], count) == (["shop.checkout"], 2)
