"""What imports what in ``loopwatch/``, read from the source. ``python -m tests.import_graph`` prints the figures.

An import counts wherever it stands: at the top, inside a function, or under ``TYPE_CHECKING``. A folder of another
checkout may be given: ``python -m tests.import_graph ../older/loopwatch``.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "loopwatch"

Graph = dict[str, set[str]]


def modules(package: Path = PACKAGE) -> dict[str, Path]:
    """Return every module of a package by its dotted name, without migrations and empty files.

    A module that is compiled is known by its stub.
    """
    found = {}
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.pyi"))):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if "migrations" not in parts and path.stat().st_size:
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterable[str]:
    """Return the dotted names that a module imports; ``from a import b`` is ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "loopwatch imports by full names"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(package: Path = PACKAGE) -> Graph:
    """Return for each module which modules of the same package it imports."""
    known = modules(package)
    return {
        name: {target for each in imported(tree_of(path)) if (target := _module_of(each, known)) not in (None, name)}
        for name, path in known.items()
    }


def _module_of(name: str, known: Mapping[str, object]) -> str | None:
    """Return the module that an import of ``name`` ends at; ``None`` for another package's."""
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name or None


def room_of(module: str) -> str:
    """Return the room of a module: its folder, or itself if it stands alone.

    Every folder of ``detection/`` is a room; elsewhere a folder is one with all that it holds.
    """
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["detection"] else 2])


def rooms(modules_graph: Graph) -> Graph:
    """Return for each room which other rooms it imports."""
    found: Graph = defaultdict(set)
    for module, targets in modules_graph.items():
        found[room_of(module)] |= {room_of(target) for target in targets} - {room_of(module)}
    return dict(found)


def circles(of: Graph) -> list[set[str]]:
    """Return the groups of nodes that import each other, directly or through others."""
    reached = {node: _reached(of, node) for node in of}
    groups = {frozenset({node, *(other for other in reached[node] if node in reached[other])}) for node in of}
    return [set(group) for group in groups if len(group) > 1]


def _reached(of: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = of.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def floors(of: Graph) -> int:
    """Return the length of the longest chain of imports; the nodes of a circle are one floor."""
    group_of = {node: frozenset({node}) for node in of}
    for group in circles(of):
        group_of.update(dict.fromkeys(group, frozenset(group)))
    above: dict[frozenset[str], set[frozenset[str]]] = defaultdict(set)
    for node, targets in of.items():
        above[group_of[node]] |= {group_of[target] for target in targets} - {group_of[node]}
    height: dict[frozenset[str], int] = {}
    for group in TopologicalSorter(above).static_order():
        height[group] = 1 + max((height[each] for each in above[group]), default=0)
    return max(height.values())


def class_doubles(package: Path = PACKAGE) -> dict[str, list[str]]:
    """Return the names that more than one class has, with their modules.

    Classes inside classes, such as ``Meta``, are left out: they describe the class they are in.
    """
    found = defaultdict(list)
    for module, path in modules(package).items():
        for name in _class_names(tree_of(path)):
            found[name].append(module)
    return {name: where for name, where in found.items() if len(where) > 1}


def _class_names(node: ast.AST) -> Iterable[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield child.name
        else:
            yield from _class_names(child)


def _within(of: Graph, prefix: str) -> Graph:
    return {
        name: {each for each in to if each.startswith(prefix)} for name, to in of.items() if name.startswith(prefix)
    }


def _count(of: Graph) -> str:
    arrows = sum(map(len, of.values()))
    return f"{len(of):4} {floors(of):7} {arrows:7} {len(circles(of)):8}"


def main(package: Path) -> None:
    all_modules = graph(package)
    detection = _within(all_modules, "loopwatch.detection.")
    print("                              nodes  floors  arrows  circles")
    for label, of in (
        ("modules of loopwatch/", all_modules),
        ("modules of detection/", detection),
        ("rooms of loopwatch/", rooms(all_modules)),
        ("rooms of detection/", rooms(detection)),
    ):
        print(f"{label:30} {_count(of)}")
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in modules(package).items()}
    print(f"{sum(lines.values())} lines; the longest module has {max(lines.values())}")
    doubles = class_doubles(package)
    print(f"{len(doubles)} class names stand twice: {', '.join(sorted(doubles)) or '-'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE)
