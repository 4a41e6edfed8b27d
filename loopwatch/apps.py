from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from loopwatch import checks, live, metrics


class LoopwatchConfig(AppConfig):
    name = "loopwatch"
    verbose_name = _("Loopwatch")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register_all()
        live.register()
        metrics.register()
