"""The exact engine: times the calls that a step makes, as they end.

``StepTrace`` keeps, for the step that runs, what took long enough to matter; ``by_monitoring`` (Python 3.12 and later)
and ``by_profile`` (3.11) tell it of the calls that end. After a stall, ``explanation`` shares the step's time among the
calls traced, and asks the watchdog's samples about the time that remains.
"""
