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
from loopwatch.checks.tasks import check_tasks
from loopwatch.checks.versions import check_asgiref_version, check_django_version

TAG = "loopwatch"


def register_all() -> None:
    """Have ``manage.py check`` run the checks, and ``check --deploy`` one more."""
    register(check_settings, TAG)
    register(check_misspelt_settings, TAG)
    register(check_metrics, TAG)
    register(check_interpreter, TAG)
    register(check_gil, TAG)
    register(check_asgi_application, TAG)
    register(check_that_application_is_named, TAG)
    register(check_runserver, TAG)
    register(check_admin_sites, TAG)
    register(check_middleware, TAG)
    register(check_signal_receivers, TAG)
    register(check_async_unsafe, TAG)
    register(check_sync_consumers, TAG)
    register(check_logging_handlers, TAG)
    register(check_tasks, TAG)
    register(check_database, TAG)
    register(check_columns, TAG, Tags.database)
    register(check_channel_layers, TAG)
    register(check_django_version, TAG)
    register(check_asgiref_version, TAG)
    register(check_channel_layers_for_deployment, TAG, deploy=True)
