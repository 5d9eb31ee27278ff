"""The systemd unit, as systemd itself reads and judges it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import flags
from tests.tools import require_tool

from . import ROOT

UNIT = ROOT / "deploy/systemd/greenapi-exporter.service"
EXPOSURE = 11
"""The most that `systemd-analyze security` may find, in tenths; a service without protection gets 96. What is left are
the network and the host's root directory, /proc/stat for the process_* metrics, and AF_UNIX for resolving names."""


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    """With a program that exists here in place of the installed one."""
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(), flags=re.MULTILINE))
    analyze = [require_tool("systemd-analyze"), "verify", "--man=no", str(unit)]
    said = subprocess.run(analyze, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_service_is_exposed_to_next_to_nothing() -> None:
    analyze = [require_tool("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSURE}", str(UNIT)]
    said = subprocess.run(analyze, text=True, capture_output=True)
    assert said.returncode == 0, said.stdout


def test_it_starts_with_flags_that_exist_and_reloads_by_the_promised_signal() -> None:
    settings = dict(re.findall(r"^(ExecStart|ExecReload)=(.*)", UNIT.read_text(), re.MULTILINE))
    options = flags.parse(settings["ExecStart"].split()[1:])
    assert options.config_file == "/etc/greenapi-exporter/config.yaml"
    assert settings["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.mark.parametrize("line", ["StateDirectory=greenapi-exporter", "WorkingDirectory=%S/greenapi-exporter"])
def test_the_state_file_lands_in_the_state_directory(line: str) -> None:
    """The default state_file is relative to the working directory, which is the one that stays writable."""
    assert line in UNIT.read_text().splitlines()
