"""Models of one's own."""

from __future__ import annotations

from pathlib import Path

from .records import run_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_users_own_model_is_trained_and_tracked_like_the_built_in_ones(  # type: ignore[no-untyped-def]
    fmsearch, images, tmp_path
) -> None:
    for name in ("own_model.py", "own_model.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) < 40
    options = ("--data", images, "--trials", 2, "--train-images", 400, "--jobs", 1)
    done = fmsearch("study", "--space", "own_model.yaml", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = run_of(tmp_path / "mlruns", "own_model-0000")
    assert {"width", "activation", "learning_rate"} <= run.data.params.keys()
    assert fmsearch("register", "--study", "own_model").returncode == 0


def test_a_users_model_is_checked_before_the_study(fmsearch, images, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "own.py").write_text("import nothing_like_this")
    (tmp_path / "space.yaml").write_text(
        "name: own\nmodel: own:build\nengine: optuna\nscore: {by: validation}\n"
        "parameters: {width: [4, 8]}\n"
    )
    done = fmsearch("study", "--space", "space.yaml", "--data", images)
    assert done.returncode == 1
    reason = "ModuleNotFoundError: No module named 'nothing_like_this'"
    assert done.stderr == f"fmsearch: model: own:build: {reason}\n"
    assert not (tmp_path / "mlruns" / "studies.db").exists()
