"""The site as an ASGI application."""

from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch

application = LoopWatch(get_asgi_application())
