import json
from dataclasses import replace

import pytest

from loopwatch.detection.calls import StackFrame, StackSample, ThreadStack
from loopwatch.recorder import stacks
from loopwatch.rows.stacks import read_stacks, read_threads
from tests.recorder.calls import FRAME, blocking_call


def frames(count, start=0):
    return tuple(replace(FRAME, function=f"f{number}") for number in range(start, start + count))


def encoded(**changes):
    return json.loads(json.dumps(stacks.encode(blocking_call(**changes))))


def read(stored):
    column = read_stacks(stored)
    assert not column.is_damaged
    return column.values


def test_encoded_stacks_have_the_documented_format(settings):
    settings.BASE_DIR = "/srv/site"
    other = replace(FRAME, function="pay", lineno=20)
    samples = (StackSample(30.0, (FRAME,)), StackSample(70.5, (FRAME, other)), StackSample(12.0, (FRAME,)))
    assert encoded(stack=(FRAME, other), samples=samples) == {
        "version": 1,
        "frames": [
            ["shop/views.py", "shop.views", "checkout", 12, 12, 4, 20, 0, ""],
            ["shop/views.py", "shop.views", "pay", 20, 12, 4, 20, 0, ""],
        ],
        "samples": [[70.5, [0, 1]], [42.0, [0]]],
    }


def test_decoding_gives_back_what_was_encoded():
    samples = read(encoded(stack=frames(3), samples=(StackSample(5.0, frames(2)),)))
    assert [sample.duration_ms for sample in samples] == [0.0, 5.0]
    assert [frame.name for frame in samples[0].frames] == ["shop.views.f0", "shop.views.f1", "shop.views.f2"]
    assert (samples[0].frames[0].lineno, samples[0].frames[0].end_column) == (12, 20)


def test_the_stacks_of_other_threads_are_encoded_and_read(settings):
    settings.BASE_DIR = "/srv/site"
    pay = replace(FRAME, function="pay")
    threads = ThreadStack((FRAME, pay), 3), ThreadStack((pay,))
    stored = encoded(stack=(FRAME,), other_threads=threads)
    assert stored["threads"] == [[3, [0, 1]], [1, [1]]]
    found = [(each.count, [frame.function for frame in each.frames]) for each in read_threads(stored).values]
    assert found == [(3, ["checkout", "pay"]), (1, ["pay"])]


def test_the_number_of_other_threads_is_limited():
    stored = encoded(other_threads=tuple(ThreadStack((FRAME,)) for _ in range(stacks.THREADS_KEPT + 1)))
    assert len(stored["threads"]) == stacks.THREADS_KEPT


def test_without_samples_the_stack_has_the_time_of_the_whole_call():
    (sample,) = read(encoded(stack=frames(2), duration_ms=80.0))
    assert (sample.duration_ms, len(sample.frames)) == (80.0, 2)


def test_the_middle_of_a_stack_of_10000_frames_is_left_out():
    (sample,) = read(encoded(stack=frames(10_000)))
    functions = [frame.function for frame in sample.frames]
    assert functions[:100] == [f"f{number}" for number in range(100)]
    assert functions[100] == "… 9700 frames left out …"
    assert functions[101:] == [f"f{number}" for number in range(9_800, 10_000)]


def test_a_stack_at_the_limit_is_kept_whole():
    (sample,) = read(encoded(stack=frames(300)))
    assert len(sample.frames) == 300


def test_the_longest_of_many_samples_are_kept():
    samples = tuple(StackSample(float(number), frames(2, start=number)) for number in range(100))
    decoded = read(encoded(stack=frames(1), samples=samples))
    assert [sample.duration_ms for sample in decoded] == [0.0, *(float(number) for number in range(99, 80, -1))]


def test_many_deep_samples_stay_small():
    samples = tuple(StackSample(1.0, frames(1_000, start=number * 1_000)) for number in range(50))
    assert len(json.dumps(encoded(samples=samples))) < 500_000


def test_source_lines_are_read_for_own_frames_only(tmp_path):
    source = tmp_path / "own.py"
    source.write_text(f"def f():\n    call()  # {'x' * 300}\n")
    own = StackFrame(str(source), "own", "f", 2, is_in_app=True)
    (sample,) = read(encoded(stack=(own, replace(own, is_in_app=False))))
    lines = [frame.source_line for frame in sample.frames]
    assert lines[0].startswith("call()  # xxx")
    assert len(lines[0]) == 200
    assert lines[1] == ""


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad", b"# coding: nonsense\n", b"\0" * 50], ids=range(4))
def test_a_source_that_cannot_be_read_is_empty(tmp_path, content):
    source = tmp_path / "own.py"
    if content is not None:
        source.write_bytes(content)
    (sample,) = read(encoded(stack=(StackFrame(str(source), "own", "f", 1, is_in_app=True),)))
    assert sample.frames[0].source_line.strip("\ufffd") == ""


@pytest.mark.parametrize("filename", ["", "/nul\0.py", "/\udc80.py", "<string>", "/", "/dev/null"])
def test_any_file_name_is_taken(filename):
    (sample,) = read(encoded(stack=(StackFrame(filename, "own", "f", 1, is_in_app=True),)))
    assert sample.frames[0].source_line == ""
