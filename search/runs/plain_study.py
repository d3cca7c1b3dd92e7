"""Plain studies: Optuna studies whose words a drawing library shows as they are.

Matplotlib reads formulas between dollar signs, plotly reads a little HTML; the choices of a
parameter and the reasons of failed trials may hold either.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution

from ...models.labels import class_labels

Escape = Callable[[Sequence[str]], list[str]]
"""Gives words as a library wants them, no two of them alike."""


def for_matplotlib(words: Sequence[str]) -> list[str]:
    """Short words of characters that can be drawn, without formulas."""
    return [word.replace("$", r"\$") for word in class_labels(words)]


def for_plotly(words: Sequence[str]) -> list[str]:
    """Words without tags; plotly knows `&lt;`, but not `&quot;`."""
    return [html.escape(word, quote=False) for word in words]


def plain(study: optuna.Study, escape: Escape) -> optuna.Study:
    """The study with words that are escaped; itself if none needs to be."""
    trials = study.get_trials()
    changed = False
    for trial in trials:
        new = {name: _escaped(kind, escape) for name, kind in trial.distributions.items()}
        attributes = _each(trial.user_attrs, escape)
        if new != trial.distributions or attributes != trial.user_attrs:
            changed = True
            params = {name: _same_choice(trial, name, new[name]) for name in trial.params}
            trial.distributions, trial.params, trial.user_attrs = new, params, attributes
    if not changed:
        return study
    copy = optuna.create_study(directions=study.directions, study_name=study.study_name)
    copy.add_trials(trials)
    return copy


def _escaped(kind: BaseDistribution, escape: Escape) -> BaseDistribution:
    if not isinstance(kind, CategoricalDistribution):
        return kind
    words = iter(escape([one for one in kind.choices if isinstance(one, str)]))
    return CategoricalDistribution(
        [next(words) if isinstance(one, str) else one for one in kind.choices]
    )


def _same_choice(trial: optuna.trial.FrozenTrial, name: str, new: BaseDistribution) -> Any:
    """A parameter's value among the choices that are escaped."""
    kind, value = trial.distributions[name], trial.params[name]
    if isinstance(kind, CategoricalDistribution) and isinstance(new, CategoricalDistribution):
        return new.choices[int(kind.to_internal_repr(value))]
    return value


def _each(attribute: Any, escape: Escape) -> Any:
    """An attribute of a trial with all texts in it escaped."""
    if isinstance(attribute, str):
        return escape([attribute])[0]
    if isinstance(attribute, dict):
        return {name: _each(value, escape) for name, value in attribute.items()}
    if isinstance(attribute, (list, tuple)):
        return [_each(value, escape) for value in attribute]
    return attribute
