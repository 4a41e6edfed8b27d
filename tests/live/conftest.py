from tests.admin.conftest import staff
from tests.recording.conftest import recorder_of

__all__ = ["recorder_of", "staff"]
