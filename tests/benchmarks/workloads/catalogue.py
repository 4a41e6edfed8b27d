"""Every workload that is done beside other tools, in the order of the table."""

from tests.benchmarks.workloads import calls, idle, requests, steps

WORKLOADS = (*steps.WORKLOADS, *calls.WORKLOADS, *requests.WORKLOADS, *idle.WORKLOADS)
BY_NAME = {workload.name: workload for workload in WORKLOADS}
