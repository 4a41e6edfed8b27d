"""Advises on blocking calls: the usual cure, by the call's qualified name.

Imports no Django and reads no settings, so that the report, the admin and a test run can all use it.
"""

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.match import advice_for
from loopwatch.advice.rewriting import Rewriting, SourceRange, rewritten

__all__ = ["Advice", "Cure", "Rewriting", "SourceRange", "advice_for", "rewritten"]
