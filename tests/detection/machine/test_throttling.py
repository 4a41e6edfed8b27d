"""How often a CPU limit has stopped the process is read from the counters of its control groups."""

import pytest

from loopwatch.detection.machine.cgroups import CpuGroup
from loopwatch.detection.machine.throttling import (
    NEVER_THROTTLED,
    READ_EVERY_S,
    CpuLimit,
    Throttled,
    Throttling,
    limits_of,
    throttled_in,
)

PERIOD_S = 0.125
V1_STAT = b"nr_periods 42\nnr_throttled 7\nthrottled_time 250000000\nnr_bursts 0\nburst_time 0\n"
V2_STAT = (
    b"usage_usec 53733454572\nuser_usec 45831738245\nsystem_usec 7901716326\nnice_usec 6280929842\n"
    b"core_sched.force_idle_usec 0\nnr_periods 42\nnr_throttled 7\nthrottled_usec 250000\nnr_bursts 0\nburst_usec 0\n"
)


class Clock:
    at = 10.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


class Group:
    """A group with a limit, whose counters a test sets."""

    def __init__(self, directory):
        directory.mkdir()
        self.file = directory / "cpu.stat"
        self.count(0, 0.0)

    def count(self, periods, cpu_s):
        self.file.write_text(f"nr_periods 99\nnr_throttled {periods}\nthrottled_usec {round(cpu_s * 1e6)}\n")

    @property
    def limit(self):
        return CpuLimit(str(self.file), PERIOD_S)


@pytest.fixture
def group(tmp_path):
    return Group(tmp_path / "group")


@pytest.fixture
def throttling(clock, group):
    throttling = Throttling(clock)
    throttling.begin([group.limit])
    return throttling


COUNTERS = [
    pytest.param(V1_STAT, Throttled(7, 0.25), id="of version 1"),
    pytest.param(V2_STAT, Throttled(7, 0.25), id="of version 2"),
    pytest.param(b"usage_usec 5\nuser_usec 4\n", NEVER_THROTTLED, id="zero, without the CPU controller"),
    pytest.param(b"", NEVER_THROTTLED, id="zero, if the group is gone"),
    pytest.param(b"nr_throttled many\nodd\n", NEVER_THROTTLED, id="zero, if they are not numbers"),
    pytest.param(b"nr_throttled \n\xff\x00 \n", NEVER_THROTTLED, id="zero, if they are missing"),
]


@pytest.mark.parametrize(("stat", "throttled"), COUNTERS)
def test_the_counters_are(stat, throttled):
    assert throttled_in(stat) == throttled


LIMITS = [
    pytest.param(2, {"cpu.max": "20000 100000\n"}, [0.1], id="of version 2"),
    pytest.param(2, {"cpu.max": "max 100000\n"}, [], id="none of version 2"),
    pytest.param(2, {"cpu.max": "20000 0\n"}, [], id="none that makes sense"),
    pytest.param(1, {"cpu.cfs_quota_us": "5000\n", "cpu.cfs_period_us": "50000\n"}, [0.05], id="of version 1"),
    pytest.param(1, {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, [], id="none of version 1"),
    pytest.param(1, {"cpu.cfs_quota_us": "5000\n"}, [], id="none, if a file is missing"),
    pytest.param(2, {}, [], id="none, without the CPU controller"),
    pytest.param(2, {"cpu.max": "nonsense"}, [], id="none that can be read"),
]


@pytest.mark.parametrize(("version", "files", "periods_s"), LIMITS)
def test_a_group_has_a_limit(version, files, periods_s, tmp_path):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    stat_file = str(tmp_path / "cpu.stat")
    assert list(limits_of([CpuGroup(str(tmp_path), version)])) == [CpuLimit(stat_file, each) for each in periods_s]


def test_the_periods_between_two_readings_are_counted(throttling, group, clock):
    group.count(3, 0.25)
    clock.at = 11.0
    assert throttling.within(10.0, 11.0) == Throttled(3, 0.25)


def test_the_periods_before_a_time_do_not_count(throttling, group, clock):
    group.count(3, 0.25)
    clock.at = 10.0 + READ_EVERY_S
    throttling.note()
    group.count(5, 0.375)
    clock.at = 12.0
    assert throttling.within(11.0, 12.0) == Throttled(2, 0.125)


def test_the_periods_after_a_time_do_not_count(throttling, group, clock):
    group.count(2, 0.125)
    clock.at = 11.0
    throttling.note()
    group.count(5, 0.375)
    clock.at = 12.0
    throttling.note()
    assert throttling.within(10.0, 11.0) == Throttled(2, 0.125)


def test_no_more_periods_are_counted_than_a_time_has_room_for(throttling, group, clock):
    """The counters of an idle process were read long ago."""
    group.count(100, 9.0)
    clock.at = 20.0
    assert throttling.within(20.0 - 2 * PERIOD_S, 20.0).periods == 3


def test_a_reading_is_not_repeated_soon(throttling, group, clock):
    group.count(3, 0.25)
    clock.at = 10.0 + READ_EVERY_S / 2
    throttling.note()
    clock.at = 11.0
    assert throttling.within(10.0 + READ_EVERY_S / 2, 11.0) == Throttled(3, 0.25)


def test_the_counters_of_all_groups_around_the_process_are_added_up(clock, group, tmp_path):
    outer = Group(tmp_path / "outer")
    throttling = Throttling(clock)
    throttling.begin([group.limit, outer.limit])
    group.count(1, 0.0625)
    outer.count(2, 0.125)
    clock.at = 11.0
    assert throttling.within(10.0, 11.0) == Throttled(3, 0.1875)


def test_a_group_that_cannot_be_read_is_left_out(clock, group, tmp_path):
    throttling = Throttling(clock)
    throttling.begin([CpuLimit(str(tmp_path / "missing"), PERIOD_S), group.limit])
    group.count(1, 0.0625)
    clock.at = 11.0
    assert throttling.within(10.0, 11.0) == Throttled(1, 0.0625)


def test_a_process_without_a_limit_is_never_throttled(clock):
    throttling = Throttling(clock)
    throttling.begin([])
    throttling.note()
    assert throttling.within(10.0, 11.0) == NEVER_THROTTLED
