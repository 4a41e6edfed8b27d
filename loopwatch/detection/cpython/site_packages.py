"""The packages of the site that are installed, as by ``pip install .`` in a container.

They lie among the libraries, so only their names tell that they are in-app.
"""

_names: tuple[str, ...] = ()


def count_as_in_app(names: tuple[str, ...]) -> None:
    """Name the packages of the site, such as ``"shop"`` or ``"acme.shop"``, from now on."""
    global _names  # noqa: PLW0603
    _names = names


def packages_of_site() -> tuple[str, ...]:
    return _names
