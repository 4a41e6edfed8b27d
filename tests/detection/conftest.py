import gc

import pytest


@pytest.fixture(autouse=True)
def no_other_garbage():
    """A collection is to take as long as a test makes it, whatever else this process holds."""
    gc.freeze()
    yield
    gc.unfreeze()
