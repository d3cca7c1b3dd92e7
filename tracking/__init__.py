"""What stands in MLflow: runs, logged models, the registry and the UI."""
