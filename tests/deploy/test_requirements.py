"""The lock files: current with what they are made from, exact, hashed, and silent about where packages came from."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from . import ROOT

FOLDER = ROOT / "requirements"
LOCKS = sorted(FOLDER.glob("*.txt"), key=lambda lock: lock.name)
PINNED = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; [^\\]+)?(?: --hash=sha256:[0-9a-f]{64})+")


def pins(name: str) -> dict[str, str]:
    """Version by distribution. Fails for a line that is anything else than one version with its hashes."""
    found = {}
    for line in _lines(FOLDER / f"{name}.txt"):
        pin = PINNED.fullmatch(line)
        assert pin, f"{name}.txt: {line[:80]}"
        found[pin["name"]] = pin["version"]
    return found


def _lines(path: Path) -> list[str]:
    text = re.sub(r"\s*\\\n\s*", " ", path.read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def wanted(section: str, option: str) -> list[Requirement]:
    """The requirements that setup.cfg names there."""
    settings = ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    return [Requirement(line) for line in settings[section][option].split("\n") if line]


RUNTIME = wanted("options", "install_requires")
DEVELOPMENT = wanted("options.extras_require", "dev")
BUILDING = [Requirement(line) for line in _lines(FOLDER / "build.in")]


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [("runtime", RUNTIME), ("build", BUILDING), ("dev", [*RUNTIME, *DEVELOPMENT, *BUILDING])],
    ids=["runtime", "build", "dev"],
)
def test_a_lock_is_current(lock: str, requirements: list[Requirement]) -> None:
    """Each requirement is locked in a version that it allows; if not, `requirements/lock` writes the file anew."""
    versions = pins(lock)
    missing = [
        str(wish)
        for wish in requirements
        if not wish.specifier.contains(versions.get(wish.name.lower().replace("_", "-"), "0"), prereleases=True)
    ]
    assert not missing


def test_the_tests_run_on_the_versions_of_the_image() -> None:
    assert pins("runtime").items() <= pins("dev").items()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    """No index and no folder: packages come from wherever the reader's own pip takes them."""
    assert not re.findall(r".*(?://|--(?:extra-)?index|--find-links|@ ).*", lock.read_text())
