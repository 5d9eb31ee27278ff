"""`python -m grafana` writes the dashboards anew: `dashboards/` for provisioning, `import/` for import by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from .board import for_import
from .fleet import fleet
from .instance import instance

HERE = Path(__file__).parent


def files() -> Mapping[str, str]:
    """Path below this folder -> what belongs into it."""
    boards = {"fleet.json": fleet(), "instance.json": instance()}
    texts = {f"dashboards/{name}": _text(board) for name, board in boards.items()}
    return texts | {f"import/{name}": _text(for_import(board)) for name, board in boards.items()}


def _text(board: object) -> str:
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    for name, text in files().items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
