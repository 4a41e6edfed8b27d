"""Ordinary code that blocks an event loop, and ordinary code that does not, each with what a report of it must say.

The cases know nothing of the tool that watches them: ``case.py`` says what a case is, ``run.py`` runs one on a loop.
"""
