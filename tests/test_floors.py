"""The lowest versions that pyproject.toml allows are the ones that CI runs the suite on."""

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
FLOORS = Path(__file__).parent / "floors.txt"


def requirements_of(*extras):
    """Return what the package and `extras` require, with the extras that these name in turn."""
    for line in metadata.requires("django-ihuyi"):
        requirement = Requirement(line)
        of_extra = re.search(r"extra == ['\"](.+?)['\"]", line)
        if not of_extra or of_extra[1] in extras:
            if requirement.name == "django-ihuyi":
                yield from requirements_of(*requirement.extras)
            else:
                yield requirement


def test_the_floors_are_those_of_pyproject_toml():
    pinned = [line for line in FLOORS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    floors = {
        f"{requirement.name}=={specifier.version}".lower()
        for requirement in requirements_of("test")
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }

    assert pinned == sorted(floors)


def test_every_requirement_of_the_package_has_a_floor():
    without = [str(requirement) for requirement in requirements_of("test") if not requirement.specifier]

    assert without == []


def test_the_requirements_are_read_from_the_pyproject_toml_that_lies_here():
    """An environment's metadata is as old as the environment."""
    written = PYPROJECT.read_text(encoding="utf-8")

    assert all(f"{requirement.specifier}" in written for requirement in requirements_of("test"))
