"""Hooks asgiref's executors, so that each call handed to one is timed, and removes the hooks again.

``SyncToAsync.__call__`` chooses one of three executors: that of the process, that of a ``ThreadSensitiveContext``
(Django opens one for every request), or that of the thread which waits in ``async_to_sync``
(https://github.com/django/asgiref/blob/3.13.0/asgiref/sync.py#L505-L543). The ``submit`` of each is replaced by one
that notes the time. Calls that were queued before, or have an executor of their own, are not measured.
"""

from concurrent.futures import Executor, Future
from typing import Any
from weakref import WeakKeyDictionary, ref

from asgiref import sync

from loopwatch.detection.loggers import logger_of
from loopwatch.detection.timing.in_flight import current_request
from loopwatch.detection.timing.replacements import Replacements
from loopwatch.thread_waits.thread_queue import Measurement, ReportWait, ThreadQueue

logger = logger_of()


class AsgirefHooks:
    """The hooks of this process. ``install`` and ``uninstall`` must not run at the same time."""

    def __init__(self) -> None:
        self._measurement: Measurement | None = None
        self._replacements = Replacements()
        self._has_complained = False

    def install(self, threshold_s: float, ongoing_after_s: float, report: ReportWait) -> None:
        """Call ``report`` with every wait of at least the threshold, on the thread that was waited for.

        A wait that lasts longer than ``ongoing_after_s`` is also reported while it goes on, on a new thread.
        ``report`` must return soon and must not raise. An asgiref that cannot be hooked is logged once.
        """
        self.uninstall()
        self._measurement = Measurement(threshold_s, ongoing_after_s, report)
        try:
            self._time_thread_of_the_process(self._measurement)
            self._time_threads_of_requests(self._measurement)
            self._time_waiting_threads(self._measurement)
        except (AttributeError, KeyError, TypeError) as error:
            self.uninstall()
            if not self._has_complained:
                self._has_complained = True
                logger.warning("Waits for the thread of sync_to_async are not measured with this asgiref: %s", error)

    def uninstall(self) -> None:
        """Restore what is still replaced; a replacement that other code has wrapped stays, and measures nothing."""
        if self._measurement is not None:
            self._measurement.report = None
            self._measurement = None
        self._replacements.restore()

    def _time_thread_of_the_process(self, measurement: Measurement) -> None:
        executor = sync.SyncToAsync.single_thread_executor
        if getattr(executor, "_max_workers", 1) != 1:
            return  # an executor of the site with several threads: no call waits for a particular one
        submit, queue = executor.submit, ThreadQueue("process", measurement)

        def timed(work: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
            return submit(queue.enter(work), *args, **kwargs)

        self._replacements.replace(executor, "submit", timed)

    def _time_threads_of_requests(self, measurement: Measurement) -> None:
        """Time the executors that are made from now on; requests in flight keep theirs."""
        original: Any = vars(sync)["ThreadPoolExecutor"]
        submit = original.submit

        class TimedThreadPoolExecutor(original):  # type: ignore[misc]
            # Most requests make one call at a time, and none of those waits: such a call is passed on unchanged.
            _loopwatch_latest: "ref[Future[Any]] | None" = None
            _loopwatch_queue: ThreadQueue | None = None

            def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
                queue = self._loopwatch_queue
                if queue is None:
                    latest = None if self._loopwatch_latest is None else self._loopwatch_latest()
                    if latest is None or latest.done():
                        # asgiref passes no arguments; unpacking none would take longer.
                        future: Any = submit(self, work, *args, **kwargs) if args or kwargs else submit(self, work)
                        future.loopwatch_call = work, current_request.get()
                        self._loopwatch_latest = ref(future)
                        return future  # type: ignore[no-any-return]
                    queue = self._loopwatch_queue = ThreadQueue("request", measurement)
                    queue.run(*vars(latest)["loopwatch_call"])
                return submit(self, queue.enter(work), *args, **kwargs)  # type: ignore[no-any-return]

        self._replacements.replace(sync, "ThreadPoolExecutor", TimedThreadPoolExecutor)

    def _time_waiting_threads(self, measurement: Measurement) -> None:
        queues = WeakKeyDictionary[Executor, ThreadQueue]()
        executor_class: Any = vars(sync)["CurrentThreadExecutor"]
        original = executor_class.submit

        def submit(executor: Any, work: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
            queue = queues.get(executor)
            if queue is None:
                queue = queues[executor] = ThreadQueue("request", measurement)
            submitted: Future[Any] = original(executor, queue.enter(work), *args, **kwargs)
            return submitted

        self._replacements.replace(executor_class, "submit", submit)
