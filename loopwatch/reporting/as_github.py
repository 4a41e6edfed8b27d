"""Renders the findings as workflow commands of GitHub Actions, which shows each beside its line in the review.

GitHub shows at most ten warnings for each step. A finding whose file is not in the repository is shown without a line.
"""

from loopwatch.escaping.terminal import visible
from loopwatch.reporting.finding_message import for_review, message, title
from loopwatch.reporting.report import Report, ReportedFinding
from loopwatch.reporting.repository import Repository


def render_github(report: Report, repository: Repository) -> str:
    """Render a line for each finding, in their order; in a comparison, only for those that are new or worse."""
    return "\n".join(_warning(finding, repository) for finding in for_review(report))


def _warning(finding: ReportedFinding, repository: Repository) -> str:
    place = repository.place(finding)
    properties = {"title": title(finding)}
    text = message(finding)
    if place:
        properties |= {"file": place.path, "line": str(place.lineno)}
    elif finding.place:
        text += f" Its file is outside of the repository: {visible(finding.place)}"
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::warning {listed}::{_data(text)}"


def _data(text: str) -> str:
    """Escape the characters that the runner decodes in the text of a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property, which colons and commas would end."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
