"""Measures which pauses of a real server's loop loopwatch reports, by what caused them: see ``__main__``."""
