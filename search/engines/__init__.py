"""Engines: who proposes the trials of a study: Optuna's samplers, or Keras Tuner's grid.

Offers:
    make_engine (make): the engine of a space, by its name.
    TrialRecorder (engine): what an engine, or the storage, hears of running trials.
    Strategy, choose_strategy (strategy): which sampler and which pruner go together.
"""
