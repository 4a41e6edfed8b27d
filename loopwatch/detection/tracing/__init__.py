"""The exact engine: times the calls that a step makes.

``StepTrace`` keeps the calls of the running step that took long enough to matter. ``by_monitoring`` (Python 3.12 and
later) and ``by_profile`` (3.11) report the end of each call to it. After a stall, ``verdict/explanation`` divides the
step's time among these calls, and asks the watchdog's samples about the rest.
"""

from loopwatch.detection.cpython.sites import register_tracer

register_tracer(__name__)
