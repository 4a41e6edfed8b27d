"""Lists the advice for clients of other services, and for the sockets they use."""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "http",
        _("Use an asynchronous HTTP client, such as httpx or aiohttp, or run the call in a thread."),
        names=("requests", "urllib.request", "urllib3", "http.client", "httplib2"),
        example="async with httpx.AsyncClient(timeout=5) as client:\n"
        "    answer = await client.get(url)\n"
        "answer = await asyncio.to_thread(requests.get, url, timeout=5)",
        caveat=_("Always set a timeout: the server may never answer."),
        link="https://www.python-httpx.org/async/",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "httpx",
        _("Use httpx.AsyncClient: it has the same methods."),
        names=("httpx", "httpcore"),
        example="async with httpx.AsyncClient(timeout=5) as client:\n    answer = await client.get(url)",
        caveat=_("Keep one client for all requests: each new client sets up TLS again."),
        link="https://www.python-httpx.org/async/",
    ),
    Advice(
        "aws",
        _("Run the call in a thread, or use an asynchronous client such as aioboto3."),
        names=("boto3", "botocore", "s3transfer"),
        example="await asyncio.to_thread(s3.upload_fileobj, file, bucket, key)",
        caveat=_("Create the client once, at start-up: creating it reads files and is slow."),
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "grpc",
        _("Use grpc.aio, the asynchronous half of the package."),
        names=("grpc",),
        example="async with grpc.aio.insecure_channel(address) as channel:\n"
        "    answer = await Stub(channel).Get(request)",
        link="https://grpc.github.io/grpc/python/grpc_asyncio.html",
    ),
    Advice(
        "api-client",
        _("Use the package's asynchronous client or methods, or run the call in a thread."),
        names=("openai", "anthropic", "stripe", "twilio", "slack_sdk", "google", "azure"),
        example="answer = await asyncio.to_thread(client.create, …)",
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "name-lookup",
        _("Let the loop resolve the name: it does so in a thread."),
        names=("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getfqdn", "dns"),
        example="addresses = await asyncio.get_running_loop().getaddrinfo(host, port)",
        link="https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.getaddrinfo",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "socket",
        _("Use asyncio's streams or an asynchronous client library; otherwise run the call in a thread."),
        names=(
            "socket",
            "_socket",
            "ssl",
            "_ssl",
            "select",
            "selectors",
            "ftplib",
            "imaplib",
            "poplib",
            "nntplib",
            "telnetlib",
            "ldap",
            "ldap3",
        ),
        example="reader, writer = await asyncio.open_connection(host, port)\nline = await reader.readline()",
        link="https://docs.python.org/3/library/asyncio-stream.html",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "ssh",
        _("Use an asynchronous client such as asyncssh, or run the whole session in a thread."),
        names=("paramiko", "fabric"),
        example="await asyncio.to_thread(deploy, host)",
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread",
    ),
)
