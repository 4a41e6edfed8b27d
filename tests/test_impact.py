from loopwatch.impact import Impact


def test_impacts_add_up_but_for_the_longest_stall():
    assert Impact(1, 100, 100, 2, 200, 3, 300) + Impact(2, 90, 60, 1, 60, 4, 5) == Impact(3, 190, 100, 3, 260, 7, 305)


def test_the_total_is_the_time_blocked_and_the_delay_caused_to_requests_in_flight_and_kept_out():
    assert Impact(blocked_us=100, longest_us=70, delay_us=300, kept_out_us=2_000).total_us == 2_400


def test_reported_durations_are_milliseconds():
    assert Impact(1, 1_500, 1_500, 2, 3_000, 4, 5_500).reported() == {
        "events": 1, "blocked_ms": 1.5, "longest_ms": 1.5, "requests_delayed": 2, "delay_ms": 3.0,
        "requests_kept_out": 4, "kept_out_ms": 5.5,
    }  # fmt: skip
