"""A site's logging leaves the loggers of loopwatch on, although asgi.py imports loopwatch before it is configured."""

import logging
import sys

from loopwatch.detection.loggers import logger_of
from tests.support.children import run

AS_IN_THE_README = """
import logging
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
from django.core.asgi import get_asgi_application

from loopwatch.asgi import LoopWatch

settings.LOGGING = {"version": 1, "root": {"level": "INFO", "handlers": []}}
application = LoopWatch(get_asgi_application())
import loopwatch.live.consumers, loopwatch.pytest_plugin, loopwatch.wsgi

print([name for name in logging.root.manager.loggerDict if name.startswith("loopwatch")])
"""


def test_loopwatch_has_no_logger_that_the_configuration_of_the_site_could_disable():
    done = run([sys.executable, "-c", AS_IN_THE_README])
    assert done.stdout == "[]\n", done.stderr


def test_a_logger_is_made_when_it_is_used():
    logger_of("of_a_test").error("A line")
    assert "loopwatch.of_a_test" in logging.root.manager.loggerDict
