"""Ends with 0 if MLflow answers a question that needs its users and its database."""

import os

import requests

requests.get(
    f"http://127.0.0.1:{os.environ['MLFLOW_PORT']}/api/2.0/mlflow/experiments/search?max_results=1",
    auth=(os.environ["MLFLOW_AUTH_ADMIN_USERNAME"], os.environ["MLFLOW_AUTH_ADMIN_PASSWORD"]),
    timeout=25,
).raise_for_status()
