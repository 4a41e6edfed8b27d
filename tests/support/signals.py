"""Gives every child process the default reaction to signals, and lets a run that is ended clean up.

A run that ``nohup``, cron or a CI runner starts in the background may ignore SIGINT and SIGHUP. An ignored signal stays
ignored across ``exec``, so no child process could be interrupted; a signal with a handler is reset to its default
(POSIX, ``execve``). With a handler that does nothing, pytest ignores the signal still, and its children do not.
"""

import signal

# Python ignores these itself, and ``subprocess`` restores them in children.
BY_PYTHON = {getattr(signal, name) for name in ("SIGPIPE", "SIGXFZ", "SIGXFSZ") if hasattr(signal, name)}
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def pytest_configure(config):
    for number in signal.valid_signals() - BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _do_nothing(number, frame):
    pass


def _interrupt(number, frame):
    """End the run as Ctrl-C does, so that fixtures stop what they have started; once, or it would interrupt them."""
    for ending in ENDING:
        signal.signal(ending, _do_nothing)
    raise KeyboardInterrupt(signal.Signals(number).name)
