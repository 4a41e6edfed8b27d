from tests.recorder.conftest import recorder_of

__all__ = ["recorder_of"]
