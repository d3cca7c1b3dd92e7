"""Training again: the best trial's model for the registry, and the replay of a run."""
