"""The figures as tables that can be pasted into docs/costs.md."""

import math
from collections.abc import Iterable, Mapping, Sequence

from tests.benchmarks.figures import Figure
from tests.benchmarks.variants import BARE, VARIANTS
from tests.benchmarks.workloads.work import Shown, Workload

Figures = Mapping[str, Mapping[str, Figure]]
"""By workload and by variant."""
DIGITS = {
    Shown.RATIO: 3,
    Shown.SHARE: 3,
    Shown.NANOSECONDS_MORE: 0,
    Shown.MICROSECONDS_MORE: 1,
    Shown.PERCENT_MORE: 1,
    Shown.PERCENT_OF_A_CORE: 3,
    Shown.MEGABYTES: 0,
}


def table(workloads: Sequence[Workload], figures: Figures) -> str:
    """A line for each variant, a column for each workload."""
    done = [workload for workload in workloads if workload.name in figures]
    named = {name for workload in done for name in figures[workload.name]}
    rows = [["", *(f"{workload.title}, {workload.shown.value}" for workload in done)]]
    rows += [
        [variant.name, *(_cell(each.shown, figures[each.name].get(variant.name)) for each in done)]
        for variant in VARIANTS
        if variant.name in named
    ]
    return _aligned(rows)


def tables_of_pages(workloads: Sequence[Workload], figures: Figures) -> str:
    """A table for each measure, with a line for each server and variant, and a column for each page."""
    titles = list(dict.fromkeys(workload.title for workload in workloads))
    servers = dict.fromkeys(workload.served_by for workload in workloads)
    tables = []
    for number, measure in enumerate(workloads[0].measures):
        rows = [[f"{measure.title}, {measure.shown.value}", *titles]]
        for server in servers:
            pages = {each.title: each.figures[number] for each in workloads if each.served_by == server}
            found = {title: figures[page.name] for title, page in pages.items()}
            for variant in VARIANTS:
                cells = [_cell(measure.shown, found.get(title, {}).get(variant.name)) for title in titles]
                if any(cells):
                    name = f"{variant.name}, ms" if variant is BARE else variant.name
                    rows.append([f"{server}: {name}", *cells])
        tables.append(_aligned(rows))
    return "\n\n".join(tables)


def _cell(shown: Shown, figure: Figure | None) -> str:
    if figure is None:
        return ""
    digits = DIGITS[shown]
    if shown is Shown.RATIO and figure.median >= 2:
        digits = 1
    error = "" if math.isinf(figure.error) else f" ± {figure.error:,.{digits}f}"
    return f"{figure.median:,.{digits}f}{error}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]) for row in rows]
    lines.insert(1, _line("-" * width for width in widths))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
