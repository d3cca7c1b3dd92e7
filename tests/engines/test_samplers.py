"""The samplers that there are keep the contract of samplers."""

from __future__ import annotations

from fmsearch.search.samplers import SAMPLERS

from .sampler_contract import SamplerContract


class TestTpe(SamplerContract):
    sampler = "tpe"


class TestRandom(SamplerContract):
    sampler = "random"


class TestNsga2(SamplerContract):
    sampler = "nsga2"
    trials = 23  # its first generation has 20


def test_every_sampler_is_held_to_the_contract() -> None:
    assert set(SAMPLERS) <= {one.sampler for one in SamplerContract.__subclasses__()}
