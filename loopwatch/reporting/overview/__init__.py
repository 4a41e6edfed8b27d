"""What the overview says: how the site fared over a span of time, who is to blame, who suffers, and what is new.

A fixed number of queries, from totals alone, whatever the size of the store.
"""

from loopwatch.reporting.overview.page import Overview, overview
from loopwatch.reporting.overview.span import DEFAULT, SPANS, Span

__all__ = ["DEFAULT", "SPANS", "Overview", "Span", "overview"]
