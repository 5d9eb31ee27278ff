"""Imports go one way: the rooms of the package as a table that every file is held against."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "exporter"

LAYERS = (
    {"model", "series", "words"},
    {"errors", "imprint", "metric"},
    {"wire", "ledger", "pace", "clock", "config", "accept", "redaction", "gate", "reading", "patience", "logs", "lines",
     "outcomes", "compression", "allocation", "timeslice"},
    {"episodes", "discovery", "failures", "flags", "access"},
    {"instance", "session", "sockets", "loading", "connections", "reload", "output"},
    {"catalog", "client", "store", "exposition", "telemetry", "simulator"},
    {"commits", "renewal"},
    {"fleet"},
    {"probe", "pages", "demo"},
    {"web"},
    {"app"},
    {"command"},
    {"__main__"},
)
"""The rooms (files or folders of the package), lowest first. A room knows the rooms of lower layers and itself; what
stands in one layer does not know one another."""

PURE = {
    "imprint", "model", "series", "metric", "words", "errors", "wire", "ledger", "pace", "clock", "config", "accept",
    "episodes", "instance", "catalog", "discovery", "lines", "outcomes",
}  # fmt: skip
IMPURE = {
    "aiohttp", "asyncio", "time", "logging", "os", "pathlib", "socket", "sqlite3", "random", "threading", "ctypes",
    "gc",
}  # fmt: skip
"""What gives a clock, a network, a disk or a log: pure rooms take all that as arguments."""

LIBRARIES = {
    "aiohttp": {"client", "session", "failures", "connections", "access", "web", "app", "simulator"},
    "yarl": {"client"},
    "prometheus_client": {"lines", "exposition", "telemetry"},
    "yaml": {"config"},
    "msgspec": {"imprint", "wire", "store", "simulator"},
    "bcrypt": {"access"},
    "isal": {"compression"},
    "xxhash": {"imprint"},
    "sqlite3": {"store"},
}
"""Which rooms may know a library: mostly one. A library that is not here is known to nobody."""

FILES = sorted(PACKAGE.rglob("*.py"))
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[str, str]]:
    """("room", its name) for each room of ours, ("library", its name) for each module from outside."""
    depth = len(file.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (("library", alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield "library", (node.module or "").split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
            yield from (("room", name) for name in names if not name.startswith("__version"))


rooms = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))


def test_every_room_has_its_place_and_every_place_a_room() -> None:
    found = {room_of(file) for file in FILES} - {"__init__"}
    assert found == RANK.keys(), "the table LAYERS in this file must name every room of the package"
    assert sum(map(len, LAYERS)) == len(RANK)


@rooms
def test_a_file_imports_only_from_lower_rooms_and_its_own(file: Path) -> None:
    own = room_of(file)
    for kind, name in imports(file):
        if kind == "room" and name != own:
            assert own != "__init__", "the package itself imports nothing"
            assert RANK[name] < RANK[own], f"{own} may not know {name}"


@rooms
def test_a_pure_room_knows_no_clock_no_network_no_disk_and_no_log(file: Path) -> None:
    libraries = {name for kind, name in imports(file) if kind == "library"}
    if room_of(file) in PURE:
        assert not libraries & IMPURE


@rooms
def test_a_library_is_known_where_the_table_says(file: Path) -> None:
    for kind, name in imports(file):
        if kind == "library" and name in LIBRARIES:
            assert room_of(file) in LIBRARIES[name], f"{room_of(file)} may not know {name}"


def test_the_package_uses_no_library_that_the_table_lacks() -> None:
    used = {name for file in FILES for kind, name in imports(file) if kind == "library"}
    assert used - sys.stdlib_module_names - LIBRARIES.keys() == set()


def test_nobody_but_the_demo_knows_the_simulator() -> None:
    knowing = {room_of(file) for file in FILES if ("room", "simulator") in imports(file)}
    assert knowing == {"demo"}
