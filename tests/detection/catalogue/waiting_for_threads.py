"""Code that waits for other threads."""

import asyncio
import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait

from loopwatch.detection.calls import Cause
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.peers import PAUSE_S, later

catalogue = Catalogue()
WAITING = Cause.WAITING


# Threads


@catalogue.blocks("threading.Lock.acquire", cause=WAITING, is_c=True)
async def lock_acquire(truth):
    lock = threading.Lock()
    lock.acquire()
    later(lock.release)
    await asyncio.sleep(0)
    with truth:
        lock.acquire()  # blocks


@catalogue.blocks("threading.Lock.acquire", cause=WAITING, is_c=True)
async def lock_as_context(truth):
    lock = threading.Lock()
    lock.acquire()
    later(lock.release)
    await asyncio.sleep(0)
    truth.begin()
    with lock:  # blocks
        truth.end()


@catalogue.blocks("threading.Lock.acquire", cause=WAITING, is_c=True)
async def lock_acquire_times_out(truth):
    lock = threading.Lock()
    lock.acquire()
    with truth:
        lock.acquire(timeout=PAUSE_S)  # blocks


@catalogue.blocks("threading.RLock.acquire", cause=WAITING, is_c=True, where="Stock.take", is_slow_under_load=True)
async def lock_of_object(truth):
    stock = Stock()
    thread = threading.Thread(target=stock.take_stock)
    thread.start()
    stock.is_being_taken.wait()
    await asyncio.sleep(0)
    with truth:
        stock.take()
    thread.join()


class Stock:
    def __init__(self):
        self._lock = threading.RLock()
        self.is_being_taken = threading.Event()
        self.items = 3

    def take_stock(self):
        with self._lock:
            self.is_being_taken.set()
            time.sleep(PAUSE_S)

    def take(self):
        with self._lock:  # blocks
            self.items -= 1


@catalogue.blocks("threading.Condition.wait", cause=WAITING, is_c=False)
async def condition_wait(truth):
    condition = threading.Condition()
    with condition, truth:
        condition.wait(PAUSE_S)  # blocks


@catalogue.blocks("threading.Event.wait", cause=WAITING, is_c=False)
async def event_wait(truth):
    event = threading.Event()
    later(event.set)
    await asyncio.sleep(0)
    with truth:
        event.wait()  # blocks


@catalogue.blocks("threading.Semaphore.acquire", cause=WAITING, is_c=False)
async def semaphore(truth):
    places = threading.Semaphore(0)
    later(places.release)
    await asyncio.sleep(0)
    truth.begin()
    places.acquire()  # blocks
    truth.end()


@catalogue.blocks("queue.Queue.get", cause=WAITING, is_c=False)
async def queue_get(truth):
    jobs = queue.Queue()
    later(jobs.put, "job")
    await asyncio.sleep(0)
    with truth:
        jobs.get()  # blocks


@catalogue.blocks("queue.Queue.put", cause=WAITING, is_c=False)
async def queue_put_when_full(truth):
    jobs = queue.Queue(maxsize=1)
    jobs.put("first")
    later(jobs.get)
    await asyncio.sleep(0)
    with truth:
        jobs.put("second", timeout=5)  # blocks


@catalogue.blocks("queue.SimpleQueue.get", cause=WAITING, is_c=True)
async def simple_queue_get(truth):
    jobs = queue.SimpleQueue()
    later(jobs.put, "job")
    await asyncio.sleep(0)
    with truth:
        jobs.get()  # blocks


@catalogue.blocks("concurrent.futures.Future.result", cause=WAITING, is_c=False)
async def future_result(truth):
    future = Future()
    later(future.set_result, 42)
    await asyncio.sleep(0)
    with truth:
        future.result()  # blocks


@catalogue.blocks("concurrent.futures.Future.result", cause=WAITING, is_c=False, is_slow_under_load=True)
async def executor_result(truth):
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(time.sleep, PAUSE_S)
        await asyncio.sleep(0)
        with truth:
            future.result(timeout=5)  # blocks


@catalogue.blocks("concurrent.futures.wait", cause=WAITING, is_c=False)
async def futures_wait(truth):
    future = Future()
    later(future.set_result, 42)
    await asyncio.sleep(0)
    with truth:
        wait([future])  # blocks


@catalogue.blocks("concurrent.futures.Executor.__exit__", cause=WAITING, is_c=False, is_slow_under_load=True)
async def executor_left(truth):
    executor = ThreadPoolExecutor(1)
    with executor:  # blocks
        executor.submit(time.sleep, PAUSE_S)
        await asyncio.sleep(0)
        truth.begin()
    truth.end()


@catalogue.blocks("threading.Thread.join", cause=WAITING, is_c=False, is_slow_under_load=True)
async def thread_join(truth):
    thread = threading.Thread(target=time.sleep, args=[PAUSE_S])
    thread.start()
    await asyncio.sleep(0)
    with truth:
        thread.join()  # blocks
