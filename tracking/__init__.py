"""MLflow: its store, runs, logged models, the registry and the UI."""
