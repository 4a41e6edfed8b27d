"""Every workload that is done beside other tools, in the order of the table."""

from tests.benchmarks.workloads import calls, growth, idle, memory, requests, served, stalls, steps

WORKLOADS = (
    *steps.WORKLOADS,
    *calls.WORKLOADS,
    *requests.WORKLOADS,
    *served.WORKLOADS,
    *idle.WORKLOADS,
    *stalls.WORKLOADS,
    *memory.WORKLOADS,
    *growth.WORKLOADS,
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}
