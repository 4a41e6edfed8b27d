import pytest

from loopwatch.durations import human_duration


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0 ms"),
        (0.44, "0.4 ms"),
        (9.94, "9.9 ms"),
        (9.96, "10 ms"),
        (45.2, "45 ms"),
        (999.4, "999 ms"),
        (999.6, "1.0 s"),
        (1_234, "1.2 s"),
        (9_949, "9.9 s"),
        (9_960, "10 s"),
        (59_600, "1 min"),
        (184_000, "3 min 4 s"),
        (3_599_900, "1 h"),
        (7_500_000, "2 h 5 min"),
        (86_399_000, "1 d"),
        (273_600_000, "3 d 4 h"),
        (10**12, "11574 d 2 h"),
    ],
)
def test_a_duration_reads_as_people_say_it(duration_ms, text):
    assert human_duration(duration_ms) == text
