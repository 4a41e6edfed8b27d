from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from loopwatch import checks, conf
from loopwatch.live.registration import register_live_sink
from loopwatch.metrics.registration import register_metrics_sink


class LoopwatchConfig(AppConfig):
    name = "loopwatch"
    verbose_name = _("Loopwatch")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        conf.count_packages_of_site()
        checks.register_all()
        register_live_sink()
        register_metrics_sink()
