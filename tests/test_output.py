"""What is printed on standard output arrives whole, or one line says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GOOD = 'tariff: business\nstate_file: ":memory:"\ninstances: [{id: "1101000001", token: a, api_url: "http://127.0.0.1:9"}]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(GOOD)
    return path


def command(arguments: str, config: Path, redirection: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a shell, which knows every way of losing an output."""
    line = f'exec "$0" -m exporter --config.file="$1" {arguments} {redirection}'
    return subprocess.run(
        ["sh", "-c", line, sys.executable, str(config)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_check_that_finds_nothing_prints_ok(config: Path) -> None:
    done = command("--config.check", config)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


@pytest.mark.parametrize("arguments", ["--config.check", "--demo --once"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_an_output_that_takes_nothing_is_told_in_one_line(arguments: str, redirection: str, config: Path) -> None:
    done = command(arguments, config, redirection)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("greenapi-exporter: standard output ")


def test_the_demo_that_cannot_print_its_greeting_ends_in_order(config: Path) -> None:
    done = command("--demo --web.listen-address=127.0.0.1:0 --log.level=error", config, ">/dev/full")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("greenapi-exporter: standard output ")
