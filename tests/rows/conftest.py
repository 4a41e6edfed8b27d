from tests.recording.conftest import recorder_of

__all__ = ["recorder_of"]
