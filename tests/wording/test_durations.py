import pytest

from loopwatch.wording.durations import human_duration, parse_duration_ms


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


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("57ms", 57.0), ("1.5s", 1_500.0), (" 10 m ", 600_000.0), ("2h", 7_200_000.0), ("7d", 604_800_000.0)]
    + [(text, None) for text in ("", "7", "s", "-1s", "1e3s", "1 s s", "٧d", "1min")],
)
def test_a_typed_duration_is_a_number_with_a_unit(text, duration_ms):
    assert parse_duration_ms(text) == duration_ms
