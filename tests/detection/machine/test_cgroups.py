"""The control groups whose CPU limits apply to a process are found by what the kernel says of it."""

import pytest

from loopwatch.detection.machine.cgroups import MOST_LEVELS, cpu_groups

V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNT = "33 32 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct"
V1_MEMORY_MOUNT = "34 32 0:29 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory"
HYBRID_MOUNT = "31 23 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw"
CPUSET_MOUNT = "35 32 0:30 / /sys/fs/cgroup/cpuset rw,nosuid - cgroup cgroup rw,cpuset"


def in_docker(mount):
    return mount.replace(" / ", " /docker/6f1d ")


FOUND = [
    pytest.param("0::/\n", [V2_MOUNT], ["/sys/fs/cgroup"], id="version 2: the root of a container"),
    pytest.param(
        "0::/system.slice/site.service\n",
        [V2_MOUNT],
        ["/sys/fs/cgroup/system.slice/site.service", "/sys/fs/cgroup/system.slice", "/sys/fs/cgroup"],
        id="version 2: the groups around a service, too",
    ),
    pytest.param("0::/../../other\n", [V2_MOUNT], ["/sys/fs/cgroup"], id="version 2: outside of its namespace"),
    pytest.param(
        "4:memory:/m\n3:cpu,cpuacct:/pods/web\n",
        [V1_MEMORY_MOUNT, V1_MOUNT],
        ["/sys/fs/cgroup/cpu,cpuacct/pods/web", "/sys/fs/cgroup/cpu,cpuacct/pods", "/sys/fs/cgroup/cpu,cpuacct"],
        id="version 1: the groups of the CPU controller",
    ),
    pytest.param(
        "3:cpu,cpuacct:/docker/6f1d\n",
        [in_docker(V1_MOUNT)],
        ["/sys/fs/cgroup/cpu,cpuacct"],
        id="version 1: a container that sees its own group only",
    ),
    pytest.param(
        "3:cpu,cpuacct:/docker/6f1d/inner\n",
        [in_docker(V1_MOUNT)],
        ["/sys/fs/cgroup/cpu,cpuacct/inner", "/sys/fs/cgroup/cpu,cpuacct"],
        id="version 1: a group in a container",
    ),
    pytest.param(
        "3:cpu,cpuacct:/docker/6f1d0\n",
        [in_docker(V1_MOUNT)],
        ["/sys/fs/cgroup/cpu,cpuacct"],
        id="version 1: a group that the container does not see",
    ),
    pytest.param(
        "3:cpu,cpuacct:/web\n0::/user.slice\n",
        [HYBRID_MOUNT, V1_MOUNT],
        ["/sys/fs/cgroup/cpu,cpuacct/web", "/sys/fs/cgroup/cpu,cpuacct"],
        id="both versions: the one that has the CPU controller",
    ),
    pytest.param(
        "3:cpuset:/web\n0::/web\n",
        [CPUSET_MOUNT, HYBRID_MOUNT],
        ["/sys/fs/cgroup/unified/web", "/sys/fs/cgroup/unified"],
        id="both versions: the second, if the first has other controllers",
    ),
    pytest.param(
        "0::/a b\n",
        [V2_MOUNT.replace("/sys/fs/cgroup", r"/my\040groups")],
        ["/my groups/a b", "/my groups"],
        id="a mount point with a blank",
    ),
    pytest.param("", [V2_MOUNT], [], id="none, if the process is in no group"),
    pytest.param("0::/\n", [], [], id="none, if no hierarchy is mounted"),
    pytest.param("3:cpu:/web\n", [V2_MOUNT], [], id="none, if the controller's hierarchy is not mounted"),
    pytest.param("nonsense\n::\n", ["nonsense", "1 2 3 - cgroup2", ""], [], id="none, in lines that are none"),
]


@pytest.mark.parametrize(("membership", "mounts", "directories"), FOUND)
def test_the_groups_of_a_process_are(membership, mounts, directories):
    assert [group.directory for group in cpu_groups(membership, "\n".join(mounts))] == directories


def test_a_group_has_the_version_of_its_hierarchy():
    assert [each.version for each in cpu_groups("3:cpu,cpuacct:/\n0::/\n", f"{V2_MOUNT}\n{V1_MOUNT}")] == [1]
    assert [each.version for each in cpu_groups("0::/\n", V2_MOUNT)] == [2]


def test_the_levels_of_a_deep_hierarchy_are_limited():
    groups = cpu_groups(f"0::{'/deep' * 100}\n", V2_MOUNT)
    assert len(groups) == MOST_LEVELS
    assert groups[0].directory == f"/sys/fs/cgroup{'/deep' * 100}"
