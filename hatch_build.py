"""The page of the package: the README, whose links lead into the repository at this version."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


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
