"""Measures the CPU time of 16 short fits, seeded as built-in networks are and as any other one is.

    python benchmarks/short_fits.py

The other way resets TensorFlow's generator, too, and with it drops all kernels. The numbers that
come out are compared.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from fmsearch.models.data import load_training
from fmsearch.models.families import FAMILIES
from fmsearch.models.network import Network, Pixels, use_one_thread
from fmsearch.models.settings import Value
from fmsearch.models.split import Fold, split_rows
from fmsearch.models.training import fit

IMAGES = Path(__file__).parent.parent / "tests" / "data" / "fashion.npz"
FITS = 16
SETTINGS: dict[str, dict[str, Value]] = {
    "mlp": {"hidden_units": 16, "dropout_rate": 0.2},
    "cnn": {"depth": 2, "filters_1": 4, "filters_2": 4, "dense_units": 8, "dropout_rate": 0.2},
}


def measure(network: Network, fold: Fold) -> tuple[float, list[float | None]]:
    """CPU seconds of fits of one epoch, and their losses; one fit before them compiles."""
    list(fit(network, fold, FITS, 1))
    begin, losses = time.process_time(), []
    for seed in range(FITS):
        losses += [epoch.val_loss for epoch, _ in fit(network, fold, seed, 1)]
    return time.process_time() - begin, losses


def main() -> None:
    """Print both times of each family."""
    use_one_thread()
    images = load_training(str(IMAGES))
    split = split_rows(images.labels)
    pixels, fold = Pixels(images, 10), Fold(split.train[:256], split.validation[:256])
    for name, chosen in SETTINGS.items():
        family = FAMILIES[name]
        ways = (replace(family, draws_by_keras=False), family)
        networks = [Network(pixels, one, one.complete(chosen)) for one in ways]
        (all_, losses), (keras, same) = [measure(network, fold) for network in networks]
        equal = "equal losses" if losses == same else "other losses"
        print(f"{name}: {all_:.2f} s with every reset, {keras:.2f} s without, {equal}", flush=True)


if __name__ == "__main__":
    main()
