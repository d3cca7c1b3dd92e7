"""Who proposes the trials of a study: Keras Tuner's grid, or Optuna's samplers."""
