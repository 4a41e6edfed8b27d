"""A stack as it is shown."""

from dataclasses import replace

import jinja2

from loopwatch.detection.calls import StackFrame
from loopwatch.detection.cpython.sites import Site
from loopwatch.detection.cpython.templates import template_of
from loopwatch.detection.verdict.stack_frames import frames_of
from tests.detection import shop
from tests.detection.builders import site

CHECKOUT = site(shop.checkout, "add_up(cart)")
PAGE = jinja2.Environment().from_string("a\nb\n{{ c }}")
ROOT = PAGE.root_render_func
LAST = next(offset for offset, _, line in ROOT.__code__.co_lines() if line and PAGE.get_corresponding_lineno(line) == 3)
RENDERS = Site(ROOT.__code__, LAST, "", template=template_of(ROOT.__globals__))


def test_the_outermost_frame_is_first():
    frames = frames_of([site(shop.add_up), CHECKOUT])
    assert [(frame.name, frame.is_in_app) for frame in frames] == [("shop.checkout", True), ("shop.add_up", True)]


def test_a_template_is_shown_by_its_name_and_line_and_is_not_in_app():
    assert frames_of([RENDERS]) == (StackFrame("<template>", "", "template", 3),)


def test_code_that_is_like_a_templates_but_has_no_template_is_shown_as_it_is():
    (frame,) = frames_of([replace(RENDERS, template=None)])
    assert (frame.function, frame.is_in_app) == ("root", False)
