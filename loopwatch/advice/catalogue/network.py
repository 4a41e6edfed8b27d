"""Lists the advice for clients of other services, and for the sockets they use.

A client is recommended by name only while it is maintained, as of November 2026:

- httpx had its last release in December 2024; httpx2 continues it, 2.16 of November 2026. flake8-async warns of the
  former (ASYNC127) and recommends the latter: https://github.com/python-trio/flake8-async/pull/461
- aiohttp 3.14 is of October 2026: https://pypi.org/project/aiohttp/
- aioboto3 had its last release in October 2025 and its users move to aiobotocore, which it is built on, 3.10 of October
  2026: https://github.com/owenlamont/aiomoto/issues/92
- asyncssh 2.24 is of October 2026: https://pypi.org/project/asyncssh/
"""

from typing import Final

from loopwatch.advice.advice import Advice, Cure
from loopwatch.advice.advice import gettext_noop as _

ADVICE: Final = (
    Advice(
        "http",
        _("Use an asynchronous HTTP client, such as httpx2 or aiohttp, or run the call in a thread."),
        names=("requests", "urllib.request", "urllib3", "http.client", "httplib2"),
        example="async with httpx2.AsyncClient(timeout=5) as client:\n"
        "    answer = await client.get(url)\n"
        "answer = await asyncio.to_thread(requests.get, url, timeout=5)",
        caveat=_("Always set a timeout: the server may never answer."),
        link="https://httpx2.pydantic.dev/",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "new-client",
        _("Create the client, or its TLS context, once for all requests: each new one loads all root certificates."),
        exact_names=(
            *("httpx.AsyncClient", "httpx.Client", "httpx2.AsyncClient", "httpx2.Client"),
            *("ssl.create_default_context", "ssl.SSLContext", "ssl.SSLContext.load_verify_locations"),
        ),
        example="client = httpx2.AsyncClient(timeout=5)  # in a module, not in a view\n"
        "async def rates():\n"
        "    return (await client.get(url)).json()",
        link="https://httpx2.pydantic.dev/",
    ),
    Advice(
        "httpx",
        _("Use httpx2.AsyncClient: it has the same methods. httpx2 continues httpx, which is no longer maintained."),
        names=("httpx", "httpcore", "httpx2", "httpcore2"),
        example="async with httpx2.AsyncClient(timeout=5) as client:\n    answer = await client.get(url)",
        caveat=_("Keep one client for all requests: each new client sets up TLS again."),
        link="https://httpx2.pydantic.dev/",
    ),
    Advice(
        "aws",
        _("Run the call in a thread, or use an asynchronous client such as aiobotocore."),
        names=("boto3", "botocore", "s3transfer"),
        example="await asyncio.to_thread(s3.put_object, Bucket=bucket, Key=key, Body=body)",
        caveat=_("Create the client once, at start-up: creating it reads files and is slow."),
        link="https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread",
        call_cure=Cure.THREAD,
    ),
    Advice(
        "new-aws-client",
        _("Create the client once, at start-up: each new one reads the description of its service from files."),
        names=("boto3.client", "boto3.resource", "boto3.Session", "boto3.session", "botocore.session"),
        example='s3 = boto3.client("s3")  # in a module, not in a view',
        caveat=_("Clients can be shared by threads; sessions and resources cannot."),
        link="https://docs.aws.amazon.com/boto3/latest/guide/clients.html",
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
        example="answer = await asyncio.to_thread(client.create, order)",
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
