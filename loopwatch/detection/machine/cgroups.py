"""Finds the control groups whose CPU limits apply to this process (Linux: cgroups(7), proc_pid_mountinfo(5)).

A group's limit applies to the groups in it as well, so all groups up to the mount point are found, which in a container
is often the container's own group. Version 1 and version 2 may be mounted at the same time; version 1 has the CPU
controller if it lists it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MOST_LEVELS = 16


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """The directory of a control group, and the version of its controller (1 or 2)."""

    directory: str
    version: int


def cpu_groups(membership: str, mounts: str) -> list[CpuGroup]:
    """Return the groups of a process, innermost first, by its ``/proc/self/cgroup`` and ``/proc/self/mountinfo``."""
    paths = dict(_paths(membership))
    version = 1 if 1 in paths else 2
    path = paths.get(version)
    if path is None:
        return []
    roots = [(root, point) for root, point, mounted in _mounts(mounts) if mounted == version]
    if not roots:
        return []
    # The path is relative to the hierarchy's root, of which a container may see only its own part.
    root, point = next((each for each in roots if path.is_relative_to(each[0])), roots[0])
    inner = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    if ".." in inner.parts:  # the process is outside of its namespace's root
        inner = PurePosixPath()
    levels = [inner, *inner.parents] if inner.parts else [inner]
    return [CpuGroup(str(point / level), version) for level in levels[:MOST_LEVELS]]


def _paths(membership: str) -> Iterator[tuple[int, PurePosixPath]]:
    for line in membership.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "cpu" in controllers.split(","):
            yield 1, PurePosixPath(path)
        elif hierarchy == "0" and not controllers:
            yield 2, PurePosixPath(path)


def _mounts(mounts: str) -> Iterator[tuple[PurePosixPath, PurePosixPath, int]]:
    for line in mounts.splitlines():
        place, _, filesystem = line.partition(" - ")
        fields, described = place.split(), filesystem.split()
        if len(fields) < 5 or len(described) < 3:
            continue
        version = 2 if described[0] == "cgroup2" else 1 if described[0] == "cgroup" else 0
        if version == 2 or (version == 1 and "cpu" in described[2].split(",")):
            yield PurePosixPath(_unescaped(fields[3])), PurePosixPath(_unescaped(fields[4])), version


def _unescaped(field: str) -> str:
    """Replace the octal escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), field)
