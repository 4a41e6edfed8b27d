import os
import sys
from pathlib import Path

from tests.support.children import run

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
from tests.settings import *
INSTALLED_APPS = ["loopwatch"]
MIDDLEWARE = []
ROOT_URLCONF = "bare"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
urlpatterns = []
"""
RENDER = """
import django; django.setup()
from django.core.management import call_command
from django.template import engines
call_command("check")
print(engines["django"].from_string("{% load loopwatch %}{{ 1500|duration }}").render())
"""


def test_a_site_without_the_admin_still_renders_its_templates(tmp_path):
    """Django imports the template tag libraries of all apps as soon as it renders a template."""
    (tmp_path / "bare.py").write_text(SETTINGS)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "bare",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    done = run([sys.executable, "-c", RENDER], env=environment)
    assert (done.stderr, done.stdout.splitlines()[-1:]) == ("", ["1.5 s"])
