"""Where evidence is kept: the outbox, MLflow runs, the registry and the UI."""
