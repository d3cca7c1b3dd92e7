"""Requests that are made again: a server that fails one at once may answer the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from tenacity import RetryCallState, Retrying
    from tenacity.retry import retry_base

PAUSES = (0.2, 0.6)
"""Seconds between tries."""
LONGEST_SECONDS = 2.0
"""A request that took longer, with its pauses, is not made again: its server is no busy one."""
PASSING = {429, 500, 502, 503, 504}
"""Of HTTP: too many requests, and what stands before a server that is away for a moment. MLflow's
client gives a lost connection, or an answer that is no JSON, the number 500."""
REPEATED = frozenset({
    "download_artifacts",
    "finalize_logged_model",
    "get_experiment",
    "get_experiment_by_name",
    "get_metric_history",
    "get_model_version",
    "get_registered_model",
    "get_run",
    "list_artifacts",
    "list_logged_model_artifacts",
    "log_artifacts",
    "log_batch",
    "log_inputs",
    "log_model_artifacts",
    "search_logged_models",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_experiment_tag",
    "set_model_version_tag",
    "set_registered_model_alias",
    "set_registered_model_tag",
    "set_tag",
    "set_terminated",
    "update_run",
})  # fmt: skip
"""Methods of MLflow's client that leave the same when they are carried out twice. What makes
something new is not among them: its answer may be lost, so one has to look first."""


def request_retries(retry: retry_base) -> Retrying:
    """Tries of a request; the last one's error is raised, or its answer returned.

    Args:
        retry: Which answers and errors ask for another try.
    """
    from tenacity import Retrying, stop_after_attempt, stop_after_delay, wait_chain, wait_fixed

    return Retrying(
        retry=retry,
        wait=wait_chain(*(wait_fixed(pause) for pause in PAUSES)),
        stop=stop_after_attempt(len(PAUSES) + 1) | stop_after_delay(LONGEST_SECONDS),
        retry_error_callback=_outcome,
    )


def _outcome(state: RetryCallState) -> object:
    return state.outcome.result() if state.outcome else None


def is_passing(error: BaseException) -> bool:
    """Whether an error that MLflow's client raises may be gone with the next request."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    if isinstance(error, MlflowException):
        status: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return status in PASSING
    return isinstance(error, RequestException)


def repeating(client: MlflowClient) -> MlflowClient:
    """A client of a server, whose methods in `REPEATED` are made again at once where they fail."""
    return cast("MlflowClient", _RepeatingClient(client))


class _RepeatingClient:
    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        from tenacity import retry_if_exception

        method = getattr(self._client, name)
        if name not in REPEATED:
            return method
        return request_retries(retry_if_exception(is_passing)).wraps(method)
