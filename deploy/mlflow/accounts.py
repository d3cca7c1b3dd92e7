"""Makes the account with which workers write to MLflow, or renews it; run as often as one likes.

It may do all in the experiment of the studies, may read what else there is, and sees nothing of the
registry: the administrator registers models.
"""

import os
import sys
from collections.abc import Callable

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server import get_app_client

REGISTRY = ("registered_model", "registered_model_version", "prompt", "prompt_version")

server = os.environ["MLFLOW_TRACKING_URI"]
name, password = os.environ["WORKER_USERNAME"], os.environ["WORKER_PASSWORD"]
users = get_app_client("basic-auth", server)


def make(create: Callable[[], object], renew: Callable[[], object]) -> None:
    """Create something, or renew it where it is there."""
    try:
        create()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        renew()


def grant(kind: str, which: str, permission: str) -> None:
    """Let the account do this much, and no more, with something."""

    def create() -> None:
        users.grant_user_permission(name, kind, which, permission)

    def renew() -> None:
        users.revoke_user_permission(name, kind, which)
        create()

    make(create, renew)


make(
    lambda: users.create_user(name, password),
    lambda: users.update_user_password(name, password),
)
for kind in REGISTRY:
    grant(kind, "*", "DENY")
# Who makes an experiment may do all in it. One that is there may be another account's.
experiment = MlflowClient(server).get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"])
if experiment is not None:
    grant("experiment", experiment.experiment_id, "MANAGE")
sys.stdout.write(f"the account {name!r} of the workers is ready\n")
