"""No module runs what comes from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("commands", "models", "search", "tracking")


@pytest.mark.parametrize("files", ["*.py", *(f"{room}/**/*.py" for room in ROOMS)])
def test_no_module_reads_pickles_or_evaluates_text(files: str) -> None:
    risky = re.compile(
        r"\b(import|from) (pickle|cloudpickle|dill|marshal|shelve)\b|allow_pickle=True"
        r"|safe_mode=False|enable_unsafe_deserialization|yaml\.(unsafe_|full_)?load\("
        r"|(?<![.\w])(eval|exec)\(|shell=True|joblib\.load"
    )
    found = sorted(ROOT.glob(files))
    assert found
    assert [file for file in found if risky.search(file.read_text())] == []
