"""fmsearch: experiment-tracked hyperparameter search for Keras image classifiers.

In Python:
    study: runs a study, as `fmsearch study` does, and gives it.
    load_study: a study of the store, as a `Study`.
    Study, Trial: what these give.
    FmsearchError: what all of them raise for what a user can mend.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import load_study, study
    from .errors import FmsearchError
    from .loaded_study import Study
    from .search.trial import Trial

__all__ = ["FmsearchError", "Study", "Trial", "load_study", "study"]
_MODULES = {
    "FmsearchError": ".errors",
    "Study": ".loaded_study",
    "Trial": ".search.trial",
    "load_study": ".api",
    "study": ".api",
}


def __getattr__(name: str) -> Any:
    """What is used of the package is loaded then, and not before (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
