"""`python -m prometheus` writes the rules anew; every option of `options.Options` is a flag."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from .files import files
from .options import DEFAULTS, Options

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m prometheus", description="Write the recording and alerting rules.")
    parser.add_argument("--out", type=Path, default=HERE / "rules", help="folder to write to")
    for option in fields(Options):
        default = getattr(DEFAULTS, option.name)
        parser.add_argument(f"--{option.name.replace('_', '-')}", type=type(default), default=default,
                            help=f"default: {default}")  # fmt: skip
    chosen = vars(parser.parse_args(arguments))
    out: Path = chosen.pop("out")
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files(Options(**chosen)).items():
        (out / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
