"""`python -m tests.golden` writes every scenario's expected.prom anew; a person reads the diff before it is kept."""

from __future__ import annotations

from .scenario import Scenario, folders

if __name__ == "__main__":
    for folder in folders():
        (folder / "expected.prom").write_text(Scenario(folder).play())
