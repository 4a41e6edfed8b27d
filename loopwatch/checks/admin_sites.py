"""Checks that an admin site of the URL configuration has loopwatch's pages."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name
from django.urls import get_resolver


def check_admin_sites(**_: Any) -> list[CheckMessage]:
    """loopwatch.W019: the admin sites that are served are others than the one that has loopwatch's pages."""
    if not apps.is_installed("django.contrib.admin"):
        return []
    try:
        served = set(_admin_sites(get_resolver().url_patterns))
    except Exception:  # noqa: BLE001 - Django reports what is wrong with the URL configuration
        return []
    finding = apps.get_model("loopwatch", "Finding")
    if not served or any(site.is_registered(finding) for site in served):
        return []
    names = " and ".join(sorted(repr(site.name) for site in served))
    return [
        Warning(
            f"The URL configuration serves the admin site {names}, which does not have loopwatch's pages.",
            hint='Register them there, as "A second admin site" in docs/nothing-there.md shows.',
            id="loopwatch.W019",
        )
    ]


def _admin_sites(patterns: list[Any]) -> Iterator[Any]:
    """Yield the admin sites of the views below the patterns; each of their views names its site."""
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _admin_sites(pattern.url_patterns)
        elif (site := getattr(pattern.callback, "admin_site", None)) is not None:
            yield site
