"""Builds lines of a batch for tests of the live page."""

from loopwatch.live.batch import Line


def line(count=1):
    return Line(
        "",
        "f" * 32,
        "time.sleep",
        "shop.views.checkout",
        "",
        "",
        "GET a/",
        "waiting",
        0.0,
        50.0,
        0,
        0,
        False,
        count,
        50.0,
    )
