"""Frames of Jinja's and Django's templates are shown as the template and its line."""

import sys

import jinja2
import pytest
from django.template import Context, Engine
from django.template import base as django_templates

from loopwatch.detection.cpython.templates import DjangoTemplate, JinjaTemplate, template_at

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


def template_of(function):
    return template_at(function.__code__, function.__globals__, None)


def functions_of(page):
    return [page.root_render_func, *page.blocks.values()]


@pytest.mark.parametrize("page", [PAGE, UNNAMED, PAGES.get_template("base.html")], ids=lambda page: str(page.name))
def test_the_line_is_the_one_that_jinja_gives(page):
    template = template_of(page.root_render_func)
    first = page.debug_info[0][1]
    compiled = range(first, page.debug_info[-1][1] + 10)
    assert [template.line_of(lineno) for lineno in compiled] == [
        page.get_corresponding_lineno(line) for line in compiled
    ]


@pytest.mark.parametrize("lines", ["", "?", "3=20", "99999999999999999999=1"])
def test_a_line_that_is_not_known_is_0(lines):
    assert JinjaTemplate("page.html", lines).line_of(10) == 0


@pytest.mark.parametrize(
    ("page", "names"), [(PAGE, ["template page.html", "block body"]), (UNNAMED, ["template"])], ids=["named", "unnamed"]
)
def test_what_a_function_renders(page, names):
    template = template_of(page.root_render_func)
    assert [template.part_of(function.__code__) for function in functions_of(page)] == names


def test_what_a_macro_renders_has_the_macros_name():
    macro = PAGE.module.cell._func
    assert template_of(macro).part_of(macro.__code__) == "macro"


@pytest.mark.parametrize("namespace", [{}, {"name": "page.html"}, {"debug_info": 3}, globals()])
def test_other_globals_are_no_templates(namespace):
    assert template_at(PAGE.root_render_func.__code__, namespace, None) is None


def test_a_name_that_is_no_text_is_left_out():
    template = template_at(PAGE.root_render_func.__code__, {"name": 3, "debug_info": "1=1"}, None)
    assert template == JinjaTemplate("", "1=1")


# Django's

BOOKS = {
    "base.html": "<html>\n{% block body %}{% endblock %}\n</html>",
    "list.html": (
        "{% extends 'base.html' %}\n{% block body %}\n{% for book in books %}\n"
        "{% include 'row.html' %}\n{% endfor %}\n{% endblock %}"
    ),
    "row.html": "<b>\n{{ book.author|upper }}\n</b>",
}
LOADERS = [("django.template.loaders.locmem.Loader", BOOKS)]
DJANGO = Engine(loaders=LOADERS)


def templates_on_stack():
    """The templates on the stack of the caller, outermost first."""
    found = []
    frame = sys._getframe(1)
    while frame is not None:
        found.append(template_at(frame.f_code, frame.f_globals, frame))
        frame = frame.f_back
    return [each for each in reversed(found) if each is not None]


class Book:
    def author(self):
        self.templates = templates_on_stack()
        return "Ada"


def test_nodes_of_djangos_are_shown_by_their_template_line_and_tag():
    book = Book()
    DJANGO.get_template("list.html").render(Context({"books": [book]}))
    assert [(each.name, each.lineno, each.tag) for each in book.templates] == [
        ("list.html", 1, "{% extends %}"),
        ("base.html", 2, "{% block %}"),
        ("list.html", 3, "{% for %}"),
        ("list.html", 4, "{% include %}"),
        ("row.html", 2, "{{ book.author|upper }}"),
    ]


def rendered_by(text):
    """The templates on the stack as a template of Django's that has no name calls ``book.author``."""
    book = Book()
    DJANGO.from_string(text).render(Context({"book": book}))
    return book.templates


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\n{{ book.author }}", ("template {{ book.author }}", 2), id="without a name"),
        pytest.param(
            f"{{{{ book.author|default:'{'x' * 200}' }}}}",
            (f"template {{{{ book.author|default:'{'x' * 78}… }}}}", 1),
            id="with a long tag",
        ),
    ],
)
def test_how_a_node_of_djangos_is_shown(text, shown):
    (template,) = rendered_by(text)
    code = django_templates.Node.render_annotated.__code__
    assert (template.part_of(code), template.line_of(3)) == shown


def test_the_file_of_a_node_of_djangos_is_its_templates(tmp_path):
    (tmp_path / "page.html").write_text("{{ book.author }}")
    book = Book()
    Engine(dirs=[tmp_path]).get_template("page.html").render(Context({"book": book}))
    assert book.templates == [DjangoTemplate("page.html", str(tmp_path / "page.html"), 1, "{{ book.author }}")]
    assert book.templates[0].file_of(django_templates.Node.render_annotated.__code__) == str(tmp_path / "page.html")


class Secretive(django_templates.Node):
    """A node of the site's whose attributes are computed."""

    token = property(lambda _: pytest.fail("asked for"))

    def __init__(self, book):
        self.book = book

    def __getattribute__(self, name):
        return super().__getattribute__(name) if name in ("render", "render_annotated", "book") else pytest.fail(name)

    def render(self, _context):
        return self.book.author()


def test_no_code_of_a_node_is_run():
    book = Book()
    Secretive(book).render_annotated(Context())
    assert book.templates == []


def test_a_method_of_another_class_that_has_the_same_name_is_no_node_of_djangos():
    def render_annotated(self):
        return templates_on_stack()

    assert render_annotated(DJANGO.from_string("{{ book }}").nodelist[0]) == []
