"""Computes the overview: what blocked the site over a span of time, which routes were affected, and what is new.

It reads only totals, with a fixed number of queries that does not depend on the size of the store.
"""

from loopwatch.reporting.overview.figures import OverviewFigures, overview_figures
from loopwatch.reporting.overview.time_axis import DEFAULT, SPANS, TimeAxis, axis_between

__all__ = ["DEFAULT", "SPANS", "OverviewFigures", "TimeAxis", "axis_between", "overview_figures"]
