"""The map in docs/architecture.md is true, and the floors of the house stand as it says."""

import ast
import re
import sys

import pytest

from tests.import_graph import PACKAGE, circles, class_doubles, graph, imported, modules, room_of, rooms, tree_of

ROOT = PACKAGE.parent
MAP, CONTRIBUTING = ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"
DOCUMENTS = (MAP, CONTRIBUTING)

# From the ground up. A room may import rooms of lower floors only, types included. A new room gets a place here.
FLOORS = (
    "_version asgi_types escaping headline histogram impact in_tests process_exit rows signals stored_time",
    "advice beside_the_loop detection.calls detection.joining detection.loggers exact_char_field view_name",
    "detection.cpython detection.path_filter",
    "asgi_layers detection.machine",
    "detection.lookout detection.timing",
    "detection.callback_thread detection.sampling detection.tracing",
    "detection.verdict",
    "detection.monitor detection.strict",
    "detection.watcher request_route sign_of_life",
    "abstract_models conf open_programs sources thread_waits",
    "models",
    "wording",
    "recorder reporting",
    "html_cells metrics site_permission site_subscriber",
    "checks site_monitor templatetags",
    "channel_messages live programs request_tracing testing",
    "__init__ admin apps asgi management pytest_plugin toolbar wsgi",
)
READERS_OF_THE_STORE = {
    "abstract_models",
    "admin",
    "html_cells",
    "management",
    "models",
    "reporting",
    "rows",
    "templatetags",
    "wording",
}
NAMED_BY_DJANGO = {"Command"}
"""Django finds a management command by this name."""

BUILD = [ROOT / name for name in ("Makefile", "noxfile.py", "pyproject.toml", ".ci/run")]
IN_CODE = re.compile(r"(?<![\w/.-])(?:docs|tests)/[\w/-]+\.(?:md|py)\b")
IN_BUILD = re.compile(r"(?<![\w/.-])(?:docs|tests)/(?!_build)\w[\w/-]*\w(?:\.\w+)?")

# `folder/`, `folder/file.py` and `folder/file.py:Class.method`, relative to loopwatch/ or to the repository.
PLACE = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.py)(?::([\w.]+))?`")


def name_of(room):
    return room.removeprefix("loopwatch").removeprefix(".") or "__init__"


@pytest.fixture(scope="module")
def imports():
    return graph()


def test_every_room_has_a_floor(imports):
    placed = [room for floor in FLOORS for room in floor.split()]
    assert sorted(placed) == sorted(name_of(room) for room in rooms(imports))


def test_no_room_imports_one_on_its_own_floor_or_above(imports):
    floor_of = {room: number for number, floor in enumerate(FLOORS) for room in floor.split()}
    upward = [
        f"{module} imports {target}"
        for module, targets in imports.items()
        for target in targets
        if room_of(module) != room_of(target)
        and floor_of[name_of(room_of(target))] >= floor_of[name_of(room_of(module))]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle(imports):
    assert circles(imports) == []


def test_detection_imports_nothing_but_itself_and_the_standard_library():
    allowed = ("loopwatch.detection.", "loopwatch._version", "loopwatch.headline")
    foreign = [
        f"{module} imports {name}"
        for module, path in modules().items()
        if module.startswith("loopwatch.detection.")
        for name in imported(tree_of(path))
        if not name.startswith(allowed) and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert foreign == []


def test_what_reads_the_store_does_not_touch_detection(imports):
    touching = [
        f"{module} imports {target}"
        for module, targets in imports.items()
        if name_of(room_of(module)) in READERS_OF_THE_STORE
        for target in targets
        if target.startswith("loopwatch.detection")
    ]
    assert touching == []


def test_no_class_name_stands_twice():
    assert {name: where for name, where in class_doubles().items() if name not in NAMED_BY_DJANGO} == {}


def places(document):
    """The paths that a document names in backticks, each with the name in that file or an empty string."""
    return sorted(set(PLACE.findall(document.read_text(encoding="utf-8"))))


def found(path):
    """The file or folder that a document means."""
    return next((base / path for base in (PACKAGE, ROOT) if (base / path).exists()), None)


def names_in(path):
    """The dotted names of everything that a file defines: constants, classes, functions, and what is inside these."""

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            inside = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inside = f"{prefix}{child.name}."
                yield inside[:-1]
            elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield f"{prefix}{child.id}"
            yield from walk(child, inside)

    return set(walk(tree_of(path), ""))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_is_named_exists(document):
    assert [path for path, _ in places(document) if found(path) is None] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_is_defined_in_the_file_it_is_said_to_be_in(document):
    named = [(path, name) for path, name in places(document) if name]
    assert [f"{path}:{name}" for path, name in named if name not in names_in(found(path))] == []


def test_the_map_names_every_room(imports):
    named = {path.removesuffix("/").removesuffix(".py") for path, _ in places(MAP)}
    wanted = {name_of(room).replace(".", "/") for room in rooms(imports)}
    assert wanted - named == set()


def test_every_version_that_the_code_asks_for_has_a_line_in_what_expires():
    section = re.search(r"^## What expires\n(.*?)^## ", MAP.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]
    asking = {
        path.relative_to(PACKAGE).as_posix() for path in modules().values() if "version_info" in path.read_text("utf-8")
    }
    assert asking - {path for path, _ in PLACE.findall(section)} == set()


def test_every_test_and_document_that_the_code_or_the_build_names_exists():
    named = [(path, IN_CODE) for path in modules().values()] + [(path, IN_BUILD) for path in BUILD if path.exists()]
    missing = [
        f"{target} in {path.relative_to(ROOT)}"
        for path, pattern in named
        for target in pattern.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / target).exists()
    ]
    assert missing == []
