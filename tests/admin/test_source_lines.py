import pytest

from loopwatch.admin.source_lines import caller_that_can_await, excerpt, mark, mark_text
from loopwatch.rows.stacks import StoredFrame
from loopwatch.sources.stored import SourceFiles


def frame(lineno=1, end_lineno=1, column=0, end_column=0, filename="shop/views.py"):
    return StoredFrame(filename, "shop.views", "checkout", lineno, end_lineno, column, end_column, True, "")


def parts(line):
    return line.before, line.marked, line.after


def test_columns_count_utf8_bytes():
    line = 'naïve = f("名前"); g()'
    column = len("naïve = ".encode())
    end_column = len('naïve = f("名前")'.encode())
    assert parts(mark(line, 1, frame(column=column, end_column=end_column))) == ("naïve = ", 'f("名前")', "; g()")


def test_an_expression_over_several_lines_is_marked_from_line_to_line():
    lines = ("x = 1", "rows = fetch(", "    first,", "    last)[0]", "y = 2")
    shown = excerpt(lines, frame(lineno=2, end_lineno=4, column=7, end_column=9))
    assert [parts(line) for line in shown] == [
        ("x = 1", "", ""),
        ("rows = ", "fetch(", ""),
        ("    ", "first,", ""),
        ("    ", "last)", "[0]"),
        ("y = 2", "", ""),
    ]
    assert [line.is_call for line in shown] == [False, True, True, True, False]


def test_without_columns_only_the_line_is_marked():
    line = mark("call()", 1, frame(end_lineno=0))
    assert (parts(line), line.is_call) == (("call()", "", ""), True)


@pytest.mark.parametrize("columns", [(2, 1), (500, 900), (-3, 2), (1, 2)])
def test_columns_beyond_the_line_raise_nothing(columns):
    column, end_column = columns
    mark("é", 1, frame(column=column, end_column=end_column))


def test_a_long_call_and_a_short_file_stay_bounded():
    assert len(excerpt(("x",) * 500, frame(lineno=100, end_lineno=400))) < 25
    assert excerpt((), frame(lineno=7)) == []
    assert excerpt(("x",), frame(lineno=0))[0].lineno == 1


def test_a_stored_text_is_marked_by_what_the_expression_says():
    assert parts(mark_text("nap = sleep(1)", 3, "sleep(1)")) == ("nap = ", "sleep(1)", "")
    assert parts(mark_text("nap = sleep(1)", 3, "other")) == ("nap = sleep(1)", "", "")
    assert parts(mark_text("nap", 3, "")) == ("nap", "", "")


def test_a_coroutine_function_that_renders_a_template_can_await_for_what_the_template_calls(tmp_path, settings):
    settings.BASE_DIR = tmp_path
    view, tag = "async def view():\n    render(page)", "def author():\n    read()"
    (tmp_path / "views.py").write_text(view)
    (tmp_path / "page.html").write_text("{{ author }}")
    (tmp_path / "tags.py").write_text(tag)
    frames = [
        StoredFrame("views.py", "shop.views", "view", 2, 2, 0, 0, True, "render(page)"),
        StoredFrame("page.html", "", "template page.html {{ author }}", 1, 0, 0, 0, True, "{{ author }}"),
        StoredFrame("tags.py", "shop.tags", "author", 2, 2, 0, 0, True, "read()"),
    ]
    caller = caller_that_can_await(frames, frames[-1], SourceFiles())
    assert caller is not None
    assert caller.frame is frames[0]
