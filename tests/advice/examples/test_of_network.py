"""Examples that use HTTP clients and sockets. The servers are on loopback."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import httpx2
import pytest
import requests

from tests.advice.examples import executes


class Answer(BaseHTTPRequestHandler):
    """Answers with a document, and notes what it is sent."""

    received: ClassVar = []

    def do_GET(self):
        body = json.dumps({"rate": 1.5}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.received.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def url(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@executes("http")
async def test_a_server_is_asked_by_httpx2_and_by_requests_in_a_thread(example, url):
    found = await example(asyncio=asyncio, httpx2=httpx2, requests=requests, url=url)
    assert found["answer"].json() == {"rate": 1.5}


@executes("httpx")
async def test_a_server_is_asked(example, url):
    assert (await example(httpx2=httpx2, url=url))["answer"].json() == {"rate": 1.5}


@executes("new-client")
async def test_one_client_is_used_for_several_requests(example, url):
    found = await example(httpx2=httpx2, url=url)
    assert [await found["rates"]() for _ in range(2)] == [{"rate": 1.5}] * 2
    await found["client"].aclose()


@pytest.fixture
def credentials(monkeypatch, url):
    """Credentials and an address as the environment has them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@executes("new-aws-client")
async def test_a_client_of_s3_is_created(example, credentials, url):
    found = await example(boto3=boto3)
    assert found["s3"].meta.endpoint_url == url
    found["s3"].close()


@executes("aws")
async def test_an_object_is_put_by_a_thread(example, credentials):
    s3 = boto3.client("s3")
    Answer.received.clear()
    await example(asyncio=asyncio, s3=s3, bucket="books", key="emma.txt", body=b"hello")
    s3.close()
    assert Answer.received == ["/books/emma.txt"]


@executes("name-lookup")
async def test_a_name_is_looked_up(example):
    found = await example(asyncio=asyncio, host="127.0.0.1", port=80)
    assert found["addresses"][0][4] == ("127.0.0.1", 80)


@executes("socket")
async def test_a_line_is_read(example):
    async def greet(reader, writer):
        writer.write(b"hello\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        found = await example(asyncio=asyncio, host=host, port=port)
        found["writer"].close()
        await found["writer"].wait_closed()
    assert found["line"] == b"hello\n"
