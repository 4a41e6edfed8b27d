"""Decides when the watchdog looks at a step and when it samples it, in fractions of the loop's threshold."""

SHORTEST_INTERVAL_S = 0.001
OVERDUE_FRACTION = 0.2
"""A step is sampled from this fraction of the threshold on, so that a stall's beginning is known too."""
FIRST_LOOK_FRACTION = 0.4
"""The watchdog looks at a step by this fraction at the latest. Most steps are quick, and earlier looks cost more."""
INTERVAL_FRACTION = 0.1
AGE_FRACTION = 0.05
"""The longer a stall lasts, the rarer its samples: one for every twentieth of its age."""
COST_MULTIPLE = 20
"""A sample that took long is followed by a pause this many times as long, so deep stacks do not prolong a stall."""


def first_look_s(threshold_s: float) -> float:
    """Return how long after its beginning a step is looked at, at the latest."""
    return max(SHORTEST_INTERVAL_S, FIRST_LOOK_FRACTION * threshold_s)


def overdue_s(threshold_s: float) -> float:
    """Return the age from which a step is sampled."""
    return max(SHORTEST_INTERVAL_S, OVERDUE_FRACTION * threshold_s)


def pause_s(threshold_s: float, age_s: float, taken_in_s: float) -> float:
    """Return how long to wait after a sample that took ``taken_in_s``, of a step that is ``age_s`` old."""
    costly_s = min(COST_MULTIPLE * taken_in_s, OVERDUE_FRACTION * threshold_s)
    return max(SHORTEST_INTERVAL_S, INTERVAL_FRACTION * threshold_s, AGE_FRACTION * age_s, costly_s)
