"""The Dockerfile: what it promises by its text, and its build carried out in a fresh virtual environment.

No container runs here. In place of the base image stands a new virtual environment, paths are below a temporary folder,
and the last stage, which only copies, is read instead of carried out.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter import __version__
from exporter.model import DEFAULT_PORT
from tests.tools import lacking

from . import ROOT
from .dockerfile import Workshop, only, stages

BUILD, FINAL = stages((ROOT / "Dockerfile").read_text())
STATE = "/var/lib/greenapi-exporter"
NO_NETWORK = re.compile("NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|NetworkError")
DEADLINE = 20.0
"""Seconds after which a program that should have answered is given up."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The folder in which the build stage was carried out."""
    workshop = Workshop(tmp_path_factory.mktemp("image"), ROOT, _base(tmp_path_factory.mktemp("base")))
    try:
        workshop.carry_out(BUILD)
    except subprocess.CalledProcessError as failure:
        if NO_NETWORK.search(failure.stdout):
            lacking("the package index cannot be reached")
        pytest.fail(f"{failure.cmd[-1]}\n{failure.stdout}")
    return workshop


def _base(folder: Path) -> dict[str, str]:
    """The base image's stand-in: variables with a PATH to a new Python, and to our pip at work in that Python.

    A pip of its own would take seconds to install; bytecode is left out for the same reason.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    pip = folder / "bin/pip"
    pip.write_text(f'#!/bin/sh\nexec {sys.executable} -m pip --python {folder} "$@"\n')
    pip.chmod(0o700)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "PIP_NO_COMPILE": "1"}


@contextmanager
def running(workshop: Workshop, *arguments: str) -> Iterator[int]:
    """The image's entry point with these arguments; gives the port it listens on, and stops it as a container stops."""
    (program,) = only(FINAL, "ENTRYPOINT").array()
    command = [workshop.moved(program), *arguments, "--web.listen-address=127.0.0.1:0"]
    state = Path(workshop.moved("/state"))
    with subprocess.Popen(command, cwd=state, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        try:
            yield _port(process.stderr)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 0


def _port(log: Iterable[str]) -> int:
    """The port that the log names; fails with what was logged when it ends without one."""
    lines = []
    for line in log:
        lines.append(line)
        if found := re.search(r"msg=listening .*address=\S+:(\d+)", line):
            return int(found[1])
    pytest.fail(f"it never listened:\n{''.join(lines)}")


def health(workshop: Workshop, port: int) -> int:
    """The exit code of the image's health check, aimed at another port."""
    program, *rest = only(FINAL, "HEALTHCHECK").array()
    asked = [word.replace(f", {DEFAULT_PORT},", f", {port},") for word in rest]
    assert asked != rest
    return subprocess.run([workshop.moved(program), *asked], stderr=subprocess.DEVNULL, timeout=DEADLINE).returncode


def test_the_build_installs_the_command_in_its_version(built: Workshop) -> None:
    (program,) = only(FINAL, "ENTRYPOINT").array()
    said = subprocess.run([built.moved(program), "--version"], check=True, text=True, capture_output=True)
    assert said.stdout == f"greenapi-exporter {__version__}\n"


def test_the_image_holds_the_locked_dependencies_the_exporter_and_nothing_else(built: Workshop) -> None:
    """Neither pip nor a build tool is in the environment that the last stage copies."""
    list_installed = ["pip", "--python", built.moved("/opt/greenapi-exporter"), "freeze", "--all"]
    said = subprocess.run(list_installed, check=True, text=True, capture_output=True, env=dict(built.environment))
    installed = {line.split(" @ ")[0].lower().replace("_", "-") for line in said.stdout.split("\n") if line}
    locked = re.findall(r"^\S+==[^\s;]+", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE)
    assert installed == {*locked, "greenapi-exporter"}


def test_the_wheel_leaves_no_module_out(built: Workshop) -> None:
    """Every module is installed, and the marker that it is typed."""
    source = Path(built.moved("/src/exporter"))
    (installed,) = Path(built.moved("/opt/greenapi-exporter")).glob("lib/*/site-packages/exporter")
    files = {file.relative_to(source) for file in source.rglob("*") if "__pycache__" not in file.parts}
    assert {Path("py.typed"), Path("app.py")} < files
    assert not [file for file in files if not (installed / file).exists()]


def test_the_health_check_tells_a_running_exporter_from_a_stopped_one(built: Workshop) -> None:
    with running(built, "--demo") as port:
        assert health(built, port) == 0
    assert health(built, port) != 0


def test_only_what_the_build_needs_reaches_it() -> None:
    """.dockerignore shuts everything out, then lets in what COPY names: no configuration, no state, no .git."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {source.strip("/") for step in BUILD if step.word == "COPY" for source in step.rest.split()[:-1]}
    assert let_in == {re.sub(r"^requirements/.*", "requirements/*.txt", source) for source in copied}


def test_the_last_stage_only_copies_what_the_build_left(built: Workshop) -> None:
    copies = [shlex.split(step.rest) for step in FINAL if step.word == "COPY"]
    assert [words[-2:] for words in copies] == [["/opt/greenapi-exporter"] * 2, ["/state", STATE]]
    assert all("--from=build" in words and Path(built.moved(words[-2])).is_dir() for words in copies)
    assert not [step for step in FINAL if step.word in ("RUN", "ADD", "CMD")]


def test_it_runs_as_a_plain_user_who_owns_nothing_but_the_state() -> None:
    user = only(FINAL, "USER").rest
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert [step.rest for step in FINAL if "--chown" in step.rest] == [f"--from=build --chown={user} /state {STATE}"]
    assert only(FINAL, "VOLUME").rest == only(FINAL, "WORKDIR").rest == STATE


def test_port_version_and_base_are_those_of_the_code() -> None:
    assert only(FINAL, "EXPOSE").rest == str(DEFAULT_PORT)
    assert f'org.opencontainers.image.version="{__version__}"' in only(FINAL, "LABEL").rest
    assert BUILD[0].rest.removesuffix(" AS build") == FINAL[0].rest == "${BASE}"
