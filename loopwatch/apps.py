from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _

from loopwatch import checks


class LoopwatchConfig(AppConfig):
    name = "loopwatch"
    verbose_name = _("Loopwatch")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register(checks.check_settings, "loopwatch")
        register(checks.check_asgi_application, "loopwatch")
