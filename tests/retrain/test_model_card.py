"""What is said of a registered model, as a whole."""

from __future__ import annotations

import pytest

from fmsearch.models.confusion import accuracy_interval
from fmsearch.models.data import DataSet
from fmsearch.search.result import Result
from fmsearch.search.retrain.model_card import Origin, model_card, version_text
from fmsearch.search.space.load import load_space
from fmsearch.search.storage.study_config import StudyConfig
from fmsearch.search.trial import State, Trial

SHA = "ab" * 32
CARD = f"""\
# mlp_grid, trial 6

**For** images of 28 x 28 like those of mine, to be told apart as:
coat, bag \\| \\<b\\>. It answers with one of these whatever an image shows; it was tested on
no other photographs, sizes or polarities.

**Takes** raw uint8 images (n, 28, 28), 0 to 255.
**Gives** float32 probabilities (n, 2), in the order of the classes.

**Data**: 2,000 training and 200 test images, SHA-256
{SHA}.

**Chosen** among the trials of the study mlp_grid as the one with the best score;
its score: 0.8842 ± 0.0010, accuracy on 3 folds. Test images played no part in that.

**Trained** on all 2,000 training images with seed 7: optimizer adam.
9,000 parameters.

**Test accuracy**: 0.9000 (95 % interval 0.8506 to 0.9343, 200 images), evaluated once; loss 0.3000.

## Each class
| class | precision | recall | F1 | images |
|---|---|---|---|---|
| coat | 0.864 | 0.950 | 0.905 | 100 |
| bag \\| \\<b\\> | 0.944 | 0.850 | 0.895 | 100 |

## Confused most often
- bag \\| \\<b\\>, taken for coat: 15 images
- coat, taken for bag \\| \\<b\\>: 5 images
"""


@pytest.fixture
def origin() -> Origin:
    config = StudyConfig(
        name="mlp_grid",
        space=load_space("mlp_grid"),
        data="mine.npz",
        data_sha256=SHA,
        seed=0,
        train_images=None,
    )
    data = DataSet(
        name="mine",
        spec="mine.npz",
        sha256=SHA,
        class_names=("coat", "bag | <b>"),
        train_counts=(1_000, 1_000),
        test_counts=(100, 100),
        image_shape=(28, 28),
    )
    metrics = {"score": 0.8842, "score_std": 0.001}
    trial = Trial(6, {"epochs": 20}, State.COMPLETE, 0.8842, metrics)
    return Origin(config, data, trial, "the one with the best score")


def test_a_card_says_what_a_model_is_for_and_where_it_fails(origin: Origin) -> None:
    result = Result(
        settings={"optimizer": "adam"},
        seed=7,
        metrics={"test_accuracy": 0.9, "test_loss": 0.3},
        history=(),
        confusion=((95, 5), (15, 85)),
        parameters=9_000,
        fit_seconds=(),
        score_seconds=(),
        started_at=0,
        finished_at=0,
    )
    assert model_card(origin, result) == CARD


def test_a_version_says_where_it_comes_from(origin: Origin) -> None:
    metrics = {"test_accuracy": 0.9, "test_loss": 0.3}
    text = version_text(origin, metrics, epochs=20, address="#/runs/1", gate="better, so champion")
    assert text.splitlines() == [
        "Test accuracy 0.9000 (95 % interval 0.8506 to 0.9343, 200 images).",
        "",
        "Trial 6 of the study mlp_grid, chosen as the one with the best score; score 0.8842 ± "
        "0.0010, accuracy on 3 folds. Trained for 20 epochs on all 2,000 training images of mine "
        f"(SHA-256 {SHA}).",
        "",
        "Parameters: epochs 20.",
        "",
        "Gate: better, so champion.",
        "",
        "[Its run](#/runs/1), with model_card.md among the artifacts. It takes raw uint8 images "
        "(n, 28, 28) and gives probabilities.",
    ]


def test_an_interval_reaches_neither_below_0_nor_above_1() -> None:
    assert accuracy_interval(0, 10) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(0.2775, abs=1e-4),
    )
    assert accuracy_interval(10, 10) == (pytest.approx(0.7225, abs=1e-4), 1)
