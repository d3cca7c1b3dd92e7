"""What a run says of the machine and the libraries that computed it."""

from __future__ import annotations

from fmsearch.search.environment import Environment, here, processor


def test_a_processor_is_known_by_its_name_its_model_and_its_instructions() -> None:
    text = "cpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Xeon\nflags\t\t: fpu fma avx avx2\n\n"
    assert processor(text + text) == "Xeon, cpu family 6, model 85, avx, avx2, fma"


def test_circumstances_survive_a_runs_tags() -> None:
    assert Environment.of(here().tags) == here()
    assert set(here().versions) == {"python", "tensorflow", "keras", "numpy", "fmsearch"}
    assert Environment().tags == {}
