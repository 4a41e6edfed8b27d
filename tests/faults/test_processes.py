"""A process that ends, is killed or forks: what it had recorded is written, by whom, and once."""

import os
import signal
import textwrap

import pytest

pytestmark = pytest.mark.real_stall

GUNICORN = (
    *("gunicorn", "tests.faults.preloaded:application", "--preload", "--workers", "2"),
    *("--worker-class", "uvicorn_worker.UvicornWorker", "--graceful-timeout", "20", "--log-level", "warning"),
)
NEVER_BY_ITSELF = 60


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_writes_everything_first(site_on, how):
    site = site_on(FLUSH_INTERVAL_S=NEVER_BY_ITSELF)
    site.serve()
    site.stall(5)
    site.stop(how)
    site.wait_until_counted()


def test_a_server_that_is_killed_while_idle_loses_nothing(site_on):
    site = site_on()
    site.serve()
    site.stall(3)
    site.wait_until_counted()
    site.stop(signal.SIGKILL)
    site.serve()
    site.stall(1)
    site.wait_until_counted()


def test_a_server_that_is_killed_loses_no_more_than_the_last_interval(site_on):
    site = site_on(FLUSH_INTERVAL_S=1.0)
    site.serve()
    site.stall(3)
    site.wait_until_counted()
    before = site.counted()
    site.stall(2)
    site.stop(signal.SIGKILL)
    assert before <= site.counted() <= site.detected
    site.check()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_workers_forked_from_a_watched_process_store_every_stall_once(site_on):
    site = site_on()
    site.serve(*GUNICORN, "--bind", "127.0.0.1:{port}")
    site.wait_until_counted()  # by the master, before it forked
    site.stall(6)
    site.wait_until_counted()
    site.stop()
    site.wait_until_counted()


@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "raise ValueError", "os.kill(os.getpid(), signal.SIGINT)"])
def test_an_interpreter_that_shuts_down_writes_its_full_buffer(site_on, ending):
    site = site_on(FLUSH_INTERVAL_S=NEVER_BY_ITSELF)
    script = f"""
        import asyncio, os, signal, sys
        from tests.faults.application import application
        from tests.support.asgi import get

        async def main():
            for _ in range(8):
                assert (await get(application, "/stall/")).status == 200

        asyncio.run(main())
        {ending}
    """
    site.run("-c", textwrap.dedent(script)).wait(60)
    assert site.detected + site.disturbed >= 8
    site.wait_until_counted()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform does not fork")
def test_a_process_forked_by_multiprocessing_writes_its_full_buffer_as_it_ends(site_on):
    site = site_on(FLUSH_INTERVAL_S=NEVER_BY_ITSELF)
    script = """
        import asyncio, multiprocessing
        from tests.faults.application import application
        from tests.support.asgi import get

        async def main():
            for _ in range(8):
                assert (await get(application, "/stall/")).status == 200

        worker = multiprocessing.get_context("fork").Process(target=lambda: asyncio.run(main()))
        worker.start()
        worker.join(60)
        assert worker.exitcode == 0
    """
    assert site.run("-c", textwrap.dedent(script)).wait(90) == 0, site.log
    assert site.detected + site.disturbed >= 8
    site.wait_until_counted()
