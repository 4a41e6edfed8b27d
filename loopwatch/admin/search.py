"""The search of the list of findings."""

from collections.abc import Sequence
from itertools import islice

from django.db.models import Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

from loopwatch.models import Finding, HourlyTotal

_WORDS = 20


def matching(findings: QuerySet[Finding], search_term: str, columns: Sequence[str]) -> QuerySet[Finding]:
    """Findings that have every word in one of the columns or in a route; words in quotes stay together.

    Words beyond the first twenty are not looked at: databases limit how deep a condition may be.
    """
    for word in islice(smart_split(search_term), _WORDS):
        findings = findings.filter(_anywhere(_unquoted(word), columns, findings.db))
    return findings


def _anywhere(word: str, columns: Sequence[str], using: str) -> Q:
    # Joined instead, every hourly total would be a row of the result, to be made distinct again.
    routes = HourlyTotal.objects.using(using).filter(Q(route__icontains=word) | Q(method__iexact=word))
    found = Q(pk__in=routes.values("finding"))
    for column in columns:
        found |= Q(**{f"{column}__icontains": word})
    return found


def _unquoted(word: str) -> str:
    is_quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
    return unescape_string_literal(word) if is_quoted else word
