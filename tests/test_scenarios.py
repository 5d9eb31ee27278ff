"""Each folder of tests/scenarios shows its own name to be true (see tests/scenario.py)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.scenario import Scenario, folders
from tests.tools import require_tool


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_scenario(folder: Path) -> None:
    assert Scenario(folder).play() == (folder / "expected.prom").read_text()


def test_promtool_has_nothing_to_say_about_a_complete_exposition() -> None:
    promtool = require_tool("promtool")
    complete = [folder for folder in folders() if Scenario(folder).scene.complete]
    assert complete
    for folder in complete:
        text = (folder / "expected.prom").read_bytes()
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
