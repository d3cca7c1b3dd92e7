"""What a refusal is: one line that says why, an exit code, and nothing left behind."""

from pathlib import Path
from subprocess import CompletedProcess


def assert_refused(done: CompletedProcess[str], expected: str, folder: Path, code: int = 1) -> None:
    """One line that holds `expected`, the exit code, and no store."""
    assert expected in done.stderr
    assert done.stderr.startswith("fmsearch: ")
    assert done.stderr.count("\n") == 1
    assert done.returncode == code
    assert not list(folder.glob("mlruns/*.db"))
