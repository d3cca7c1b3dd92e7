"""`fmsearch reproduce`: input that is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ..conftest import IMAGES, Run, WarmProgram

ARGUMENTS = ["--data", str(IMAGES), "--train-images", "400", "--epochs", "1", "--seeds", "1"]


def reproduce(program: WarmProgram, folder: Path, *arguments: str) -> str:
    done = program.run(folder, "reproduce", *ARGUMENTS, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--only", "mlp_3"], 1, "no published experiment 'mlp_3'; did you mean mlp_2?"),
        (["--only", "other"], 1, "no published experiment 'other'; there are: mlp_1, mlp_2, "),
        (["--seeds", "0"], 2, "Invalid value for '--seeds': 0 is not in the range 1<=x<=1000."),
        (["--name", "a/b"], 2, "Invalid value for --name: 'a/b' must be 1 to 40 letters"),
        (["--train-images", "9"], 1, "--train-images 9 is not from 40 (4 a class) to 2400 (all)"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    fmsearch: Run, tmp_path: Path, arguments: list[str], code: int, line: str
) -> None:
    done = fmsearch("reproduce", "--data", IMAGES, *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert line in done.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_networks_too_deep_for_the_images_are_refused(fmsearch: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = {
        f"{kind}_{part}": rng.integers(0, top, size, dtype=np.uint8)
        for part in ("train", "test")
        for kind, top, size in (("x", 256, (40, 8, 8)), ("y", 2, (40,)))
    }
    np.savez(tmp_path / "small.npz", **parts)
    done = fmsearch("reproduce", "--data", "small.npz", "--only", "cnn_4")
    assert done.returncode == 1
    assert "cnn_4 does not fit small: depth: 4 blocks halve the sides" in done.stderr
