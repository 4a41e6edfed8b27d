"""A site with an async view that a WSGI server serves."""

import time

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from loopwatch.wsgi import LoopWatchWSGI


async def buy(request, pk):
    time.sleep(0.2)
    return HttpResponse("bought")


urlpatterns = [path("", lambda request: HttpResponse("home")), path("bücher/<int:pk>/", buy)]
application = LoopWatchWSGI(get_wsgi_application())
