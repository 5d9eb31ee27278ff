"""A signal may come at any moment, the first half second included, while Python still imports."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

SIGNALLED = """
import os, sys
import exporter.__main__ as command

class AtTheFirstImport:
    def find_spec(self, name, *_):
        if name == "exporter.command":
            os.kill(os.getpid(), {number})

sys.meta_path.insert(0, AtTheFirstImport())
sys.exit(command.main(["--demo", "--config.check"]))
"""


def started(number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """The command, signalled when it begins to import the rest of itself."""
    return subprocess.run(
        [sys.executable, "-c", SIGNALLED.format(number=int(number))],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_comes_before_anything_began_ends_it_in_silence(number: signal.Signals) -> None:
    done = started(number)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reload_before_the_configuration_was_read_changes_nothing() -> None:
    done = started(signal.SIGHUP)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
