"""Spaces, data, and commands before the first study."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import Run
from .refusal import assert_refused


def test_spaces_are_listed_and_printed_as_they_can_be_used(fmsearch: Run, tmp_path: Path) -> None:
    listed = fmsearch("spaces").stdout
    assert listed.startswith(
        "cnn  (continuous, cnn, optuna, validation)\n    Convolutional networks"
    )
    assert "\nmlp_grid  (32 points, mlp, keras_tuner, 3 folds)\n    The published grid" in listed
    text = fmsearch("spaces", "mlp_grid_2").stdout
    (tmp_path / "copy.yaml").write_text(text)
    assert fmsearch("spaces", "copy.yaml").stdout == text


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_before_the_first_study_a_command_says_so(
    fmsearch: Run, tmp_path: Path, command: str
) -> None:
    done = fmsearch(command)
    assert done.stdout == f"no studies yet in {tmp_path / 'mlruns'}, nor in a folder above\n"
    assert not (tmp_path / "mlruns").exists()


def test_data_shows_classes_and_hash(fmsearch: Run, images: Path) -> None:
    lines = fmsearch("data", "--data", images).stdout.splitlines()
    assert lines[0] == "name:     fashion"
    assert lines[1] == f"from:     {images}"
    assert lines[3:7] == [
        "images:   28 x 28, uint8",
        "twice:    no image",
        "class              train    test",
        "T-shirt/top          240      60",
    ]
    assert lines[-1] == "all                2,400     600"


@pytest.mark.parametrize(
    "arguments", [("status", "mine"), ("doctor", "mine"), ("register", "--study", "mine")]
)
def test_a_study_that_is_not_there_is_one_line(
    fmsearch: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert_refused(fmsearch(*arguments), "no study 'mine'", tmp_path)
