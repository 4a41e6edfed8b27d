"""Settings beside LOOPWATCH that nobody reads."""

import pytest

W016 = "loopwatch.W016"


@pytest.mark.parametrize("name", ["LOOP_WATCH", "LOOPWACH", "LOOPWATCHER"])
def test_another_spelling_of_the_setting_is_named(settings, found, name):
    setattr(settings, name, {"THRESHOLD_MS": 20})
    (message,) = found(W016)
    assert message.msg == f"Nothing reads {name}."
    assert message.hint == "Name the setting LOOPWATCH."


@pytest.mark.parametrize("name", ["LOOPWATCH_THRESHOLD_MS", "LOOPWATCH_TRESHOLD_MS", "LOOPWATCH_THRESHOLD"])
def test_a_key_as_a_setting_is_named(settings, found, name):
    setattr(settings, name, 20)
    (message,) = found(W016)
    assert message.hint == 'Write it as LOOPWATCH = {"THRESHOLD_MS": …}.'


def test_a_setting_that_the_site_uses_in_the_dict_gives_no_warning(settings, found):
    settings.LOOPWATCH_THRESHOLD_MS = 20
    settings.LOOPWATCH = {"THRESHOLD_MS": 20}
    assert not found(W016)
    settings.LOOPWATCH = {"THRESHOLD_MS": 30}
    assert found(W016)


@pytest.mark.parametrize("name", ["LOOPWATCH", "LOOPWATCH_GRAFANA_FOLDER_OF_OURS", "WATCHDOG", "LOOP", "STOPWATCH"])
def test_other_settings_give_no_warning(settings, found, name):
    setattr(settings, name, {})
    assert not found(W016)
