"""Notes the messages of a Channels worker (``manage.py runworker``), each as a request."""

from functools import partial

from loopwatch.asgi_types import Application, Message, Receive, Scope, Send
from loopwatch.detection.timing.in_flight import ChannelInFlight, InFlight, RequestInFlight
from loopwatch.request_route import describe_message


class ChannelMessages:
    """Passes the messages of one channel on to an application.

    A worker has one scope for each channel, and a consumer asks for the next message when it has handled the one before
    (``await_many_dispatch`` in https://github.com/django/channels/blob/4.3.1/channels/utils.py).
    """

    def __init__(self, application: Application, in_flight: InFlight, channel: str) -> None:
        self._application = application
        self._in_flight = in_flight
        self._describe = partial(describe_message, application, channel)
        self._served = ChannelInFlight(in_flight, partial(self._describe, None))

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._served.begin()

        async def receive_message() -> Message:
            self._served.serve(None)
            self._served.rest()
            message = await receive()
            request = RequestInFlight(self._in_flight, partial(self._describe, message.get("type")))
            self._served.serve(request)
            if self._in_flight.backlog is not None:
                request.note_arrival(self._in_flight.backlog)
            return message

        try:
            await self._application(scope, receive_message, send)
        finally:
            self._served.serve(None)
            self._served.finish()
