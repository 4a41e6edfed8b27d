"""Sets the strictest policy a site is likely to have. Django has a middleware for it only since 6.0."""

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

POLICY = "default-src 'self'"


@sync_and_async_middleware
def strict_policy(get_response):
    def with_policy(response):
        response["Content-Security-Policy"] = POLICY
        return response

    async def middleware(request):
        return with_policy(await get_response(request))

    def sync_middleware(request):
        return with_policy(get_response(request))

    return middleware if iscoroutinefunction(get_response) else sync_middleware
