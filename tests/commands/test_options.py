"""Options: what they take, and wrong usage."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmsearch.commands.option_types import Duration, KeepModels

from ..conftest import Run
from .refusal import assert_refused

USAGE = {
    ("study",): "say which: SPACE, as the argument or by --space",
    ("study", "a", "--space", "b"): "'a' and --space 'b' are two; give one",
    ("study", ""): "it is empty; leave the option out, or give it a value",
    ("worker",): "say which: STUDY, as the argument or by --study",
    ("study", "--space", "mlp_grid", "--jobs", "0"): "0 is not in the range x>=1",
    ("study", "--space", "mlp_grid", "--jobs", "two"): "'two' is not a valid integer range",
    ("study", "--space", "mlp_grid", "--train-images", "-1"): "-1 is not in the range x>=1",
    ("study", "--space", "mlp_grid", "--name", "a/b"): "'a/b' must be 1 to 64 letters",
    ("study", "--space", "mlp_grid", "--name", ".."): "'..' must be 1 to 64 letters",
    ("study", "--space", "none", "--timeout", "soon"): "'soon' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--timeout", "-3"): "'-3' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--timeout", "1d"): "'1d' is no time like 90s, 20m or 2h",
    ("study", "--space", "none", "--checkpoint-every", "m"): "'m' is no time like 90s, 20m or 2h",
    (
        "study",
        "--space",
        "cnn",
        "--keep-models",
        "best",
    ): "'best' is not all, best:K (like best:10)",
    ("study", "--space", "none", "--keep-models", "best:0"): "'best:0' is not all, best:K",
    (
        "study",
        "--space",
        "cnn",
        "--keep-models",
        "3",
    ): "'3' is not all, best:K (like best:10) or none",
    (
        "study",
        "--space",
        "cnn",
        "--sampler",
        "luck",
    ): "'luck' is not one of 'tpe', 'random', 'nsga2'",
    (
        "study",
        "--space",
        "cnn",
        "--pruner",
        "luck",
    ): "'luck' is not one of 'median', 'asha', 'hyper",
    ("study", "--space", "none", "--enqueue", "all"): "'all' is not one of 'published', 'nothing'",
    ("study", "--space", "none", "--trials", "0"): "0 is not in the range x>=1",
    ("study", "--space", "none", "--target-score", "inf"): "'inf' is no finite number",
    (
        "study",
        "--spaces",
        "mlp_grid",
    ): "No such option '--spaces'. (Did you mean one of: '--patience', '--space'",
    ("status", "--watch"): "--watch wants the name of a study",
    ("status", "--all"): "--all wants the name of a study",
    ("status", "small", "--watch", "--all"): "leave the others out",
    ("status", "small", "--watch", "--json"): "leave the others out",
    ("status", "--top", "3"): "--top wants the name of a study",
    ("status", "small", "--top", "0"): "0 is not in the range x>=1",
    ("spaces", "mlp_grid", "--json"): "a space is printed as YAML; leave --json out",
    ("studdy",): "No such command 'studdy'",
    ("ui", "--port", "0"): "0 is not in the range 1<=x<=65535",
    ("register",): "say which: STUDY, as the argument or by --study",
    ("register", "--study", "a", "--epochs", "0"): "0 is not in the range 1<=x<=1000000",
    ("--nonsense",): "No such option '--nonsense'",
}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ("90s", 90), ("20m", 1200), ("2h", 7200), ("1.5h", 5400), (" 0 ", 0), (3.0, 3)],
)
def test_a_time_is_seconds_minutes_or_hours(written: str | float, seconds: float) -> None:
    assert Duration().convert(written, None, None) == seconds


@pytest.mark.parametrize(
    ("written", "models"), [("all", None), ("none", 0), ("best:1", 1), ("best:10", 10), (0, 0)]
)
def test_models_are_kept_of_all_of_the_best_or_of_no_trials(
    written: str | int, models: int | None
) -> None:
    assert KeepModels().convert(written, None, None) == models


@pytest.mark.parametrize(("arguments", "expected"), USAGE.items())
def test_wrong_usage_is_one_line_and_exit_2(
    fmsearch: Run, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(fmsearch(*arguments), expected, tmp_path, code=2)


def test_a_target_that_is_no_number_is_wrong_usage(fmsearch: Run, tmp_path: Path) -> None:
    done = fmsearch("study", "--space", "none", "--target-score", "nan")
    assert_refused(done, "nan", tmp_path, code=2)
