"""The size of a pool is read in its threads."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

from loopwatch.thread_waits.pool_size import pool_size


def test_the_size_of_a_pool_is_known_in_its_threads():
    with ThreadPoolExecutor(5) as pool:
        assert pool.submit(pool_size).result() == 5


def test_the_size_of_a_pool_is_unknown_in_other_threads():
    sizes = []
    for args in ((), (len,), (weakref.ref(threading.Event()),)):
        thread = threading.Thread(target=lambda *_: sizes.append(pool_size()), args=args)
        thread.start()
        thread.join()
    assert [pool_size(), *sizes] == [0, 0, 0, 0]
