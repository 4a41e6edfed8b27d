"""Code that waits for files and pipes."""
# ruff: noqa: LOG001, PTH123, SIM115 - people write it so

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import tempfile

from loopwatch.detection.calls import Cause
from tests.detection.catalogue import peers
from tests.detection.catalogue.case import Catalogue
from tests.detection.catalogue.peers import PAUSE_S, later

catalogue = Catalogue()
WAITING = Cause.WAITING

LATE_PRINTER = [sys.executable, "-S", "-c", f"import time; time.sleep({PAUSE_S}); print('done')"]


# Files


@catalogue.blocks("open", cause=WAITING, is_c=True, given=peers.fifo)
async def file_open(truth, fifo):
    later(fifo.write)
    await asyncio.sleep(0)
    with truth:
        file = open(fifo.path)  # blocks
    file.close()


@catalogue.blocks("pathlib.Path.read_text", cause=WAITING, is_c=False, given=peers.fifo)
async def file_read_text(truth, fifo):
    later(fifo.write)
    await asyncio.sleep(0)
    with truth:
        fifo.path.read_text()  # blocks


@catalogue.blocks("io.TextIOWrapper.read", cause=WAITING, is_c=True, given=peers.pipe)
async def file_read(truth, pipe):
    with open(pipe.read_end, closefd=False) as file:
        later(pipe.write)
        await asyncio.sleep(0)
        with truth:
            file.read(9)  # blocks


@catalogue.blocks("io.TextIOWrapper.__next__", cause=WAITING, is_c=True, given=peers.pipe)
async def file_lines(truth, pipe):
    with open(pipe.read_end, closefd=False) as file:
        later(pipe.write)
        await asyncio.sleep(0)
        truth.begin()
        for _line in file:  # blocks
            truth.end()
            break


@catalogue.blocks("io.BufferedWriter.write", cause=WAITING, is_c=True, given=peers.pipe)
async def file_write(truth, pipe):
    with open(pipe.write_end, "wb", closefd=False) as file:
        later(pipe.read, 1_000_000)
        await asyncio.sleep(0)
        with truth:
            file.write(bytes(1_000_000))  # blocks


@catalogue.blocks("io.TextIOWrapper.flush", cause=WAITING, is_c=True, given=peers.full_pipe)
async def file_flush(truth, pipe):
    file = open(pipe.write_end, "w", closefd=False)
    file.write("an order")
    later(pipe.make_room)
    await asyncio.sleep(0)
    with truth:
        file.flush()  # blocks
    file.close()


# On a fast disk, the kernel works more than it waits; a journal being written holds up the flush.
@catalogue.blocks("os.fsync", "io.BufferedRandom.flush", cause=None, is_c=True, given=peers.journal)
async def fsync(truth, count):
    with tempfile.TemporaryFile() as file, truth:
        for number in range(count):
            file.write(b"order %d" % number)
            file.flush()  # blocks
            os.fsync(file.fileno())  # blocks


@catalogue.blocks("shutil.copyfileobj", cause=WAITING, is_c=False, is_slow_under_load=True)
async def file_copy(truth):
    with subprocess.Popen(LATE_PRINTER, stdout=subprocess.PIPE) as process, open(os.devnull, "wb") as target:
        await asyncio.sleep(0)
        with truth:
            shutil.copyfileobj(process.stdout, target)  # blocks


@catalogue.blocks("logging.Logger.warning", cause=WAITING, is_c=False, given=peers.full_pipe)
async def logging_to_slow_stream(truth, pipe):
    logger = logging.Logger("shop")
    with open(pipe.write_end, "w", closefd=False) as stream:
        logger.addHandler(logging.StreamHandler(stream))
        later(pipe.make_room)
        await asyncio.sleep(0)
        with truth:
            logger.warning("An order is late")  # blocks


@catalogue.blocks("print", cause=WAITING, is_c=True, given=peers.full_pipe)
async def print_to_slow_stream(truth, pipe):
    with open(pipe.write_end, "w", closefd=False) as stream:
        later(pipe.make_room)
        await asyncio.sleep(0)
        with truth:
            print("An order is late", file=stream, flush=True)  # blocks


# Pipes


@catalogue.blocks("os.read", cause=WAITING, is_c=True, given=peers.pipe)
async def pipe_read(truth, pipe):
    later(pipe.write)
    await asyncio.sleep(0)
    with truth:
        os.read(pipe.read_end, 100)  # blocks


@catalogue.blocks("os.write", cause=WAITING, is_c=True, given=peers.full_pipe)
async def pipe_write(truth, pipe):
    later(pipe.make_room)
    await asyncio.sleep(0)
    with truth:
        os.write(pipe.write_end, b"an order")  # blocks


@catalogue.blocks("io.BufferedReader.readline", cause=WAITING, is_c=True, is_slow_under_load=True)
async def pipe_of_subprocess(truth):
    with subprocess.Popen(LATE_PRINTER, stdout=subprocess.PIPE) as process:
        await asyncio.sleep(0)
        with truth:
            process.stdout.readline()  # blocks
        await asyncio.to_thread(process.wait)
