"""Programs that tests call but that pip cannot install. Owns what happens where one is missing."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

SKIP_NOTHING = "GREENAPI_TESTS_SKIP_NOTHING"


def require_tool(name: str) -> str:
    """The path of a program; skips the test without it, or fails it where nothing may be skipped."""
    return shutil.which(name) or lacking(f"{name} is not installed")


def lacking(what: str) -> NoReturn:
    """Skip the test because of `what`, or fail it where nothing may be skipped."""
    if os.environ.get(SKIP_NOTHING) == "1":
        pytest.fail(f"{what}, and {SKIP_NOTHING}=1 forbids to skip this test")
    pytest.skip(what)
