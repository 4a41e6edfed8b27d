"""The page of the package, with links into the repository, and the hot path in C, where there is a compiler."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

COMPILED = "loopwatch/detection/timing/compiled"
SECONDS = 120


class PackagePage(MetadataHookInterface):
    """Fills in the field ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Take the address of the repository from ``[project.urls]``."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = package_page(readme, metadata.get("urls", {}).get("Source", ""), metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def package_page(readme: str, source: str, version: str) -> str:
    """Return the README with absolute links; without a ``source``, with neither relative links nor their pictures."""
    source = source.rstrip("/")
    if source:
        readme = re.sub(r"!\[(.+?)\]\((?!https:)(.+?)\)", rf"![\1]({source}/raw/{version}/\2)", readme)
        return re.sub(r"\[(.+?)\]\((?!https:|#)(.+?)\)", rf"[\1]({source}/blob/{version}/\2)", readme)
    readme = re.sub(r"!\[.+?\]\((?!https:).+?\)\n\n", "", readme)
    return re.sub(r"\[(.+?)\]\((?!https:|#)(.+?)\)", r"\1", readme)


class CompilesHotPath(BuildHookInterface):
    """Adds the compiled module to a wheel, or to the folder of an editable install. Never fails a build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Without a compiler, or the headers of this Python, the wheel is pure Python, and for every platform."""
        self._folder = TemporaryDirectory()
        is_editable, module = version == "editable", COMPILED + str(sysconfig.get_config_var("EXT_SUFFIX"))
        built = Path(self.root if is_editable else self._folder.name, module)
        if compiles(Path(self.root, f"{COMPILED}.c"), built) and not is_editable:
            build_data |= {"pure_python": False, "infer_tag": True}
            build_data["force_include"][str(built)] = module

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what the wheel has a copy of."""
        self._folder.cleanup()


def compiles(source: Path, module: Path) -> bool:
    """Compile a source with the compiler of this Python. Returns false if that is not wanted or not possible.

    On Windows, all loops are asyncio's own, which do without. Without a GIL, the compiled module would not be safe.
    """
    build = {name: str(sysconfig.get_config_var(name) or "") for name in ("LDSHARED", "CFLAGS", "CCSHARED")}
    is_safe = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
    if os.environ.get("LOOPWATCH_PURE_PYTHON") or sys.platform == "win32" or not is_safe or not build["LDSHARED"]:
        return False
    options = [each for flags in build.values() for each in shlex.split(flags)]
    headers = [f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude")]
    with suppress(OSError, subprocess.SubprocessError):
        module.parent.mkdir(parents=True, exist_ok=True)
        command = [*options, "-g0", *headers, str(source), "-o", str(module)]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603
        return True
    return False
