"""The vendored library equals the published one."""

from hashlib import sha256
from pathlib import Path

import loopwatch

VENDORED = Path(loopwatch.__file__).parent / "static" / "loopwatch" / "vendor"
PUBLISHED = {
    "uplot-1.6.32/LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uplot-1.6.32/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot-1.6.32/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def test_uplot_is_unchanged():
    files = {path.relative_to(VENDORED).as_posix(): path.read_bytes() for path in VENDORED.rglob("*") if path.is_file()}
    assert {name: sha256(content).hexdigest() for name, content in files.items()} == PUBLISHED
