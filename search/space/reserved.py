"""Reserved names: what the parameters of a user's own model cannot be called."""

from __future__ import annotations

from ...tracking.run_record import MOST_PARAM_NAME_CHARACTERS
from ..trial import SEED

RESERVED = {SEED: "the run has the training's own seed under this name"}


def reserved(name: str) -> str:
    """Why a parameter cannot have this name, and what to do; empty if it can."""
    if name in RESERVED:
        return f"{RESERVED[name]}; choose another one, like {name}_of_model"
    if len(name) > MOST_PARAM_NAME_CHARACTERS:
        return f"a name has at most {MOST_PARAM_NAME_CHARACTERS} characters in MLflow"
    return ""
