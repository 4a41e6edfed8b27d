"""Frames of Jinja's templates are shown as the template and its line."""

import jinja2
import pytest

from loopwatch.detection.cpython.templates import Template, template_of

PAGES = jinja2.Environment(
    autoescape=True,
    loader=jinja2.DictLoader(
        {
            "base.html": "<html>\n{% block body %}{% endblock %}\n</html>",
            "page.html": (
                "{% extends 'base.html' %}\n{% macro cell(row) %}{{ row }}\n{{ row }}{% endmacro %}\n"
                "{% block body %}\n{% for row in rows %}\n{{ cell(row) }}\n{% endfor %}\n{% endblock %}"
            ),
        }
    ),
)
PAGE = PAGES.get_template("page.html")
UNNAMED = PAGES.from_string("a\n{{ b }}")


def functions_of(page):
    return [page.root_render_func, *page.blocks.values()]


@pytest.mark.parametrize("page", [PAGE, UNNAMED, PAGES.get_template("base.html")], ids=lambda page: str(page.name))
def test_the_line_is_the_one_that_jinja_gives(page):
    template = template_of(page.root_render_func.__globals__)
    first = page.debug_info[0][1]
    compiled = range(first, page.debug_info[-1][1] + 10)
    assert [template.line_of(lineno) for lineno in compiled] == [
        page.get_corresponding_lineno(line) for line in compiled
    ]


@pytest.mark.parametrize("lines", ["", "?", "3=20", "99999999999999999999=1"])
def test_a_line_that_is_not_known_is_0(lines):
    assert Template("page.html", lines).line_of(10) == 0


@pytest.mark.parametrize(
    ("page", "names"), [(PAGE, ["template page.html", "block body"]), (UNNAMED, ["template"])], ids=["named", "unnamed"]
)
def test_what_a_function_renders(page, names):
    template = template_of(page.root_render_func.__globals__)
    assert [template.part_of(function.__code__) for function in functions_of(page)] == names


def test_what_a_macro_renders_has_the_macros_name():
    macro = PAGE.module.cell._func
    assert template_of(macro.__globals__).part_of(macro.__code__) == "macro"


@pytest.mark.parametrize("namespace", [{}, {"name": "page.html"}, {"debug_info": 3}, globals()])
def test_other_globals_are_no_templates(namespace):
    assert template_of(namespace) is None


def test_a_name_that_is_no_text_is_left_out():
    assert template_of({"name": 3, "debug_info": "1=1"}) == Template("", "1=1")
