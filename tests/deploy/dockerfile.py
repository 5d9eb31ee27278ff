"""Reads a Dockerfile and carries out a stage of it without a container. Knows nothing of what the file is for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, such as word `RUN` and rest `pip install .`; continued lines are joined."""

    word: str
    rest: str

    def array(self) -> list[str]:
        """The exec form: a JSON array at the end of the instruction. Raises ValueError for the shell form."""
        array: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return array


Stage = tuple[Step, ...]


def stages(text: str) -> list[Stage]:
    """The stages in order, each beginning with its FROM; what stands before the first one is left out."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    steps = [Step(*line.strip().split(maxsplit=1)) for line in lines if line.strip()]
    starts = [number for number, step in enumerate(steps) if step.word == "FROM"]
    return [tuple(steps[start:end]) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def only(stage: Stage, word: str) -> Step:
    """The one instruction of that name. Raises ValueError when there are none or several."""
    (step,) = (step for step in stage if step.word == word)
    return step


@dataclass(frozen=True, slots=True)
class Workshop:
    """Carries out the steps of a stage below the folder `root`, which plays the file system of the container.

    RUN is run by sh with absolute paths moved below `root`, in the folder that WORKDIR names; COPY copies from the
    folder `context`; ENV adds to `environment`, whose PATH decides what `python` and `pip` are.
    """

    root: Path
    context: Path
    environment: Mapping[str, str]

    def moved(self, text: str) -> str:
        """`text` with each absolute path in it moved below the root."""
        return re.sub(r"(?<![^\s=])/(?=\w)", f"{self.root}/", text)

    def carry_out(self, stage: Stage) -> None:
        """Raises subprocess.CalledProcessError, with both outputs in one text, for a RUN that fails."""
        folder, environment = self.root, dict(self.environment)
        for step in stage:
            match step.word:
                case "WORKDIR":
                    folder = Path(self.moved(step.rest))
                    folder.mkdir(parents=True)
                case "ENV":
                    environment |= dict(pair.split("=", 1) for pair in step.rest.split())
                case "COPY":
                    self._copy(step.rest.split(), folder)
                case "RUN":
                    self._run(self.moved(step.rest), folder, environment)

    def _copy(self, words: list[str], folder: Path) -> None:
        *sources, target = words
        for source in sources:
            found, into = self.context / source, folder / target
            if found.is_dir():
                shutil.copytree(found, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, into)

    def _run(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        subprocess.run(
            ["sh", "-euc", command], cwd=folder, env=environment, check=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
