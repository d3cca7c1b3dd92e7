"""Promotion: which version of a model has its alias, decided by the gate, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...errors import FmsearchError
from ...places import Places
from ...tracking.registry import CHALLENGER, check_names, holder_of, set_alias
from ...tracking.registry_turn import registry_turn
from ...tracking.store import Store
from ...tracking.stored_runs import artifact_text
from .gate import GATE, Answers, Verdict, judge

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

TAG_GATE = "fmsearch.gate"
"""What the gate said; with `.p`, `.difference`, `.against` and `.forced` behind it the parts."""
TAG_BEFORE = "fmsearch.before"
"""With a dot and an alias behind it: the version that had the alias before."""
TAG_TAKEN_BACK = "fmsearch.taken_back"


@dataclass(frozen=True)
class Promotion:
    """The alias that a version got, and why."""

    alias: str
    reason: str


def check_target(name: str, alias: str) -> None:
    """Check the names of a model and of an alias before anything is trained.

    Raises:
        FmsearchError: MLflow refuses one, or the alias is for versions that do not pass the gate.
    """
    check_names(name, alias)
    if alias == CHALLENGER:
        raise FmsearchError(
            f"--alias {CHALLENGER!r} is given to versions that do not pass the gate; "
            "name the alias that they fight for"
        )


def promote(
    store: Store,
    places: Places,
    name: str,
    version: str,
    answers: Answers,
    describe: Callable[[str], str],
    *,
    alias: str,
    force: bool = False,
) -> Promotion:
    """Let a version meet the one that has the alias, and give it the alias if it is better.

    Of several at once each meets the one that has the alias by then.

    Args:
        store, places: Of the registry.
        name, version: The candidate.
        answers: The candidate's, on the gate images.
        describe: Makes the version's description of how it came to its alias.
        alias: What both fight for. One that does not pass gets `challenger`.
        force: Whether it gets the alias whatever the gate says.

    Raises:
        TrackingError: The store did not answer, or refused.
    """
    with registry_turn(store, places, name):
        present = holder_of(store, name, alias)
        if present is not None and str(present.version) == version:
            return Promotion(alias, f"it is {alias} already")
        verdict = _verdict(store, answers, present, alias)
        passed = verdict.passed or force
        given = alias if passed else CHALLENGER
        tags = _tags(verdict, present, alias, passed=passed)
        forced = ", but forced" if passed and not verdict.passed else ""
        text = describe(f"{verdict.reason}{forced}, so {given}")
        set_alias(store, name, version, given, tags, text)
    return Promotion(given, verdict.reason)


def _tags(
    verdict: Verdict, present: ModelVersion | None, alias: str, *, passed: bool
) -> dict[str, str]:
    tags = {TAG_GATE: verdict.reason}
    if verdict.pair is not None:
        tags[f"{TAG_GATE}.p"] = f"{verdict.pair.p_better:.3g}"
        tags[f"{TAG_GATE}.difference"] = f"{verdict.pair.difference:+.4f}"
    if present is not None:
        tags[f"{TAG_GATE}.against"] = str(present.version)
        if passed:
            tags[f"{TAG_BEFORE}.{alias}"] = str(present.version)
    if passed and not verdict.passed:
        tags[f"{TAG_GATE}.forced"] = "true"
    return tags


def _verdict(store: Store, answers: Answers, present: ModelVersion | None, alias: str) -> Verdict:
    if present is None:
        return Verdict(passed=True, reason=f"no version is {alias} yet")
    holder = f"version {present.version}"
    return judge(answers, read_answers(store, present.run_id), holder)


def read_answers(store: Store, run_id: str | None) -> Answers | None:
    """The answers that a run has on record; None if it has none.

    Raises:
        FmsearchError: They are damaged.
    """
    text = artifact_text(store, run_id, GATE) if run_id else None
    return None if text is None else Answers.read(text)


def roll_back(store: Store, places: Places, name: str, alias: str) -> tuple[str, str]:
    """Give an alias back to the version that had it before.

    Returns:
        The version that had it, and that which has it now.

    Raises:
        FmsearchError: No version has it, or had it before, or a name is malformed.
        TrackingError: The store did not answer, or refused.
    """
    check_names(name, alias)
    _holder(store, name, alias)
    with registry_turn(store, places, name):
        present = _holder(store, name, alias)
        before = present.tags.get(f"{TAG_BEFORE}.{alias}")
        if before is None:
            raise FmsearchError(
                f"version {present.version} of {name!r} took the alias {alias!r} from no other"
            )
        at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        tagged = (name, str(present.version), TAG_TAKEN_BACK, at)
        store.again(lambda: store.client.set_model_version_tag(*tagged))
        set_alias(store, name, before, alias)
    return str(present.version), before


def _holder(store: Store, name: str, alias: str) -> ModelVersion:
    if present := holder_of(store, name, alias):
        return present
    raise FmsearchError(f"no version of a model {name!r} has the alias {alias!r}")
