"""`fmsearch evaluate`: a registered model on the test images of a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import completion
from .data_set import data_options, read_data_set
from .formats import format_options, say_json, say_rows
from .option_types import Text
from .options import places_of, store_options
from .terminal import make_table, print_table, say

if TYPE_CHECKING:
    from ..search.retrain.evaluation import Evaluation


@click.command()
@click.argument(
    "model",
    required=False,
    type=Text(),
    metavar="[NAME[@ALIAS|/VERSION]]",
    shell_complete=completion.models,
)
@data_options
@format_options
@store_options
def evaluate(
    model: str | None, data: str, image_size: str | None, output: str | None, **store: Any
) -> None:
    """Test a registered model on the test images of a data set.

    Without a name it is the only registered model, without an alias or version its champion. It
    prints the accuracy with its 95 % interval (Wilson's) and precision, recall and F1 of each
    class; they are logged, with the confusion matrix, as a run in the experiment of the model's
    own run. To choose among models by their test images is to test none of them: that is what
    the gate of `fmsearch register` is for.

    \b
      fmsearch evaluate
      fmsearch evaluate fashion-mnist@challenger
      fmsearch evaluate fashion-mnist/2 --data mine.npz --json
    """
    from ..search.processes.scratch import scratch_folder
    from ..tracking.reachability import check_answers

    tested = read_data_set(data, image_size)
    given = places_of(store)
    places = given.to_look_at(scratch_folder)
    check_answers(places)
    from ..models import quiet_tensorflow  # noqa: F401  # loads TensorFlow without its messages
    from ..search.retrain.evaluation import check_goes_with, log_evaluation
    from ..search.retrain.evaluation import evaluate as ask
    from ..tracking.registered import load_registered
    from ..tracking.store import Store
    from .progress import counting

    held = Store(places, create=False)
    loaded = load_registered(held, model)
    check_goes_with(loaded, tested)
    with counting("images", sum(tested.test_counts)) as count:
        done = ask(loaded, tested, count)
    run_id = ""
    if places == given:
        run_id = log_evaluation(held, places, loaded, done)
    else:
        say("the store may only be read: no run has this", err=True)
    if output == "csv":
        say_rows(done.classes, output)
    elif output:
        say_json(_facts(done, str(loaded.version.name), str(loaded.version.version), run_id))
    else:
        _say(done, run_id)


def _facts(done: Evaluation, name: str, version: str, run_id: str) -> dict[str, Any]:
    return {
        "model": name,
        "version": version,
        "data": done.data.name,
        "sha256": done.data.sha256,
        "images": done.images,
        "accuracy": done.accuracy,
        "interval": done.interval,
        "loss": done.loss,
        "classes": done.classes,
        "confusion": done.confusion,
        "run_id": run_id or None,
    }


def _say(done: Evaluation, run_id: str) -> None:
    low, high = done.interval
    say(f"{done.model} on {done.data.name}: {done.images:,} test images")
    say(f"accuracy {done.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})")
    say(f"loss {done.loss:.4f}")
    numbers = ("precision", "recall", "f1")
    rows = [
        [one["class"], *(f"{one[name]:.3f}" for name in numbers), f"{one['images']:,}"]
        for one in done.classes
    ]
    print_table(make_table(("class", *numbers, "images"), rows))
    if run_id:
        say(f"run: {run_id}, with the confusion matrix; browse: fmsearch ui")
