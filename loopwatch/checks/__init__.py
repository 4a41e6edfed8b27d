"""System checks: the settings, whether the ASGI application is wrapped, and what Django does slowly under ASGI.

Checks of a site under ASGI run only if it names its ``ASGI_APPLICATION`` and loopwatch is switched on. No check queries
a database, except where Django is told to check that, or imports more of the site than a server would.
"""

from django.core.checks import Tags, register

from loopwatch.checks.admin_sites import check_admin_sites
from loopwatch.checks.application import check_asgi_application, check_that_application_is_named
from loopwatch.checks.async_unsafe import check_async_unsafe
from loopwatch.checks.channel_layers import check_channel_layers, check_channel_layers_for_deployment
from loopwatch.checks.consumers import check_sync_consumers
from loopwatch.checks.database import check_columns, check_database
from loopwatch.checks.interpreter import check_gil, check_interpreter
from loopwatch.checks.logging_handlers import check_logging_handlers
from loopwatch.checks.middleware import check_middleware
from loopwatch.checks.receivers import check_signal_receivers
from loopwatch.checks.runserver import check_runserver
from loopwatch.checks.settings import check_metrics, check_misspelt_settings, check_settings
from loopwatch.checks.site_application import under_asgi
from loopwatch.checks.tasks import check_tasks
from loopwatch.checks.versions import check_asgiref_version, check_django_version

TAG = "loopwatch"

ALWAYS = (
    *(check_settings, check_misspelt_settings, check_metrics, check_that_application_is_named),
    *(check_runserver, check_admin_sites, check_database),
)
UNDER_ASGI = (
    *(check_asgi_application, check_middleware, check_signal_receivers, check_async_unsafe, check_sync_consumers),
    *(check_logging_handlers, check_tasks, check_channel_layers),
    *(check_interpreter, check_gil, check_django_version, check_asgiref_version),
)


def register_all() -> None:
    """Have ``manage.py check`` run the checks, and ``check --deploy`` one more."""
    for check in (*ALWAYS, *map(under_asgi, UNDER_ASGI)):
        register(check, TAG)
    register(check_columns, TAG, Tags.database)
    register(under_asgi(check_channel_layers_for_deployment), TAG, deploy=True)
