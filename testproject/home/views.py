from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie

from testproject.mistakes import ALL_MISTAKES, UPLOAD_BYTES


@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The front page, with every mistake and its corrected twin to try."""
    return render(request, "home/home.html", {"mistakes": ALL_MISTAKES, "upload_bytes": UPLOAD_BYTES})
