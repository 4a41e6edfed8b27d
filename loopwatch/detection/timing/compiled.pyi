from loopwatch.detection.timing.timed_callback import TimedCallback as TimedCallback
from loopwatch.detection.timing.timed_callback import schedules_soon as schedules_soon
from loopwatch.detection.timing.timed_callback import timed as timed
