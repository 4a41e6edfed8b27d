"""The matrix as text: a line for each case, a column for each tool, and the totals."""

from collections.abc import Sequence

MARKS = {"found": "F", "once": "1", "named": "N", "located": "L", "timed": "D"}
LEGEND = (
    "F found, 1 by one report, N the culprit's name, L the line, D the duration within 1 ms or 2 %: for every stall of "
    "the case.\nWhere nothing blocks: 'silent', or the number of reports. 'skipped': not on this platform."
)
TOTALS = {
    "found": "found",
    "once": "exactly one report",
    "named": "right name",
    "located": "right line",
    "timed": "right duration",
    "all": "all of these",
    "false_positives": "false positives",
}
Result = dict[str, object]


def table(results: Sequence[Result]) -> str:
    by_place = {(result["case"], result["tool"]): result for result in results}
    tools = list(dict.fromkeys(str(result["tool"]) for result in results))
    cases = list(dict.fromkeys(str(result["case"]) for result in results))
    first = max(len(case) for case in cases) + 2
    widths = [max(len(tool), 8) + 2 for tool in tools]
    lines = [_line("", tools, first, widths)]
    for case in cases:
        cells = [_cell(by_place.get((case, tool))) for tool in tools]
        lines.append(_line(case, cells, first, widths))
    counted = totals(results)
    lines.append("")
    for key, title in TOTALS.items():
        cells = [counted[tool][key] for tool in tools]
        lines.append(_line(title, cells, first, widths))
    return "\n".join([*lines, "", LEGEND])


def totals(results: Sequence[Result]) -> dict[str, dict[str, str]]:
    """For each tool, of how many cases each is true: "203 of 210"."""
    tools = dict.fromkeys(str(result["tool"]) for result in results)
    return {tool: _totals([result for result in results if result["tool"] == tool]) for tool in tools}


def _totals(results: Sequence[Result]) -> dict[str, str]:
    counted = [result for result in results if "skipped" not in result]
    silent = [result for result in counted if result.get("stalls") == 0]
    blocking = [result for result in counted if result.get("stalls") != 0]
    of = f" of {len(blocking)}"
    right = {key: sum(_is_right(result, key) for result in blocking) for key in MARKS}
    right["all"] = sum(all(_is_right(result, key) for key in MARKS) for result in blocking)
    told = sum(1 for result in silent if result["unfounded"])
    return {**{key: f"{count}{of}" for key, count in right.items()}, "false_positives": f"{told} of {len(silent)}"}


def _is_right(result: Result, key: str) -> bool:
    return key in result and result[key] == result["stalls"]


def _cell(result: Result | None) -> str:
    if result is None or "skipped" in result:
        return "skipped"
    if "failed" in result:
        return "failed"
    if result["stalls"] == 0:
        return f"{result['unfounded']} told" if result["unfounded"] else "silent"
    marks = "".join(mark if _is_right(result, key) else "·" for key, mark in MARKS.items())
    return marks + (f" +{result['unfounded']}" if result["unfounded"] else "")


def _line(title: str, cells: Sequence[str], first: int, widths: Sequence[int]) -> str:
    return (title.ljust(first) + "".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))).rstrip()
