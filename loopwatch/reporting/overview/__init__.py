"""What the overview says: how the site fared over a span of time, who is to blame, who suffers, and what is new.

A fixed number of queries, from totals alone, whatever the size of the store.
"""

from loopwatch.reporting.overview.figures import OverviewFigures, overview_figures
from loopwatch.reporting.overview.time_axis import DEFAULT, SPANS, TimeSpan

__all__ = ["DEFAULT", "SPANS", "OverviewFigures", "TimeSpan", "overview_figures"]
