"""Which of a loop's pauses loopwatch reports, by who made them, on a real server: see ``__main__``."""
