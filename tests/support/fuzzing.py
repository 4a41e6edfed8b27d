"""Has hypothesis try the same examples in every run that imports the same modules, however busy the machine is.

It also tries constants that it finds in imported modules (hypothesis/internal/constants_ast.py).
"""

from hypothesis import settings

settings.register_profile("tests", derandomize=True, deadline=None, database=None, max_examples=30)
settings.load_profile("tests")


def pytest_configure(config):
    # Hypothesis asks the collector who refers to its own generator (register_random in hypothesis/internal/entropy.py),
    # which does not look at what the fixture no_other_garbage has frozen. Seen on Python 3.14 and 3.15.
    config.addinivalue_line(
        "filterwarnings", "ignore:It looks like .register_random:hypothesis.errors.HypothesisWarning"
    )
