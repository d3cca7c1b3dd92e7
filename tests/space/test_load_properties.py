"""Properties of the space loader: whatever it is given, it gives a Space or an FmsearchError."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fmsearch.errors import FmsearchError
from fmsearch.models.settings import TRAINING
from fmsearch.search.space.fit import example_point
from fmsearch.search.space.load import load_space, read_space, space_names
from fmsearch.search.space.reader import KEYS
from fmsearch.search.space.space import Space

# No deadline: what a first call loads is no slowness. Derandomized: what fails, fails again.
settings.register_profile("spaces", deadline=None, derandomize=True, max_examples=150)
PROFILE = settings.get_profile("spaces")

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_model.yaml"
TEXTS = [load_space(name).text for name in space_names()] + [EXAMPLE.read_text()]
RIGHT = [yaml.safe_load(text) for text in TEXTS]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, -1, 2**53, 2**63, 10**400, 0.5, 1e308, "1e-4", "", "inf", "a"])
    | st.floats()
    | st.dates()
    | st.binary(max_size=4)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
DOCUMENTS = VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys((*KEYS, "unknown"), VALUES))
DOMAINS = st.one_of(
    st.lists(VALUES, max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            "choices": st.lists(VALUES, max_size=4),
            "int": st.lists(st.integers(-3, 300), min_size=2, max_size=2),
            "float": st.lists(st.floats(-1, 2) | st.integers(0, 1), min_size=2, max_size=2),
            "step": st.integers(-1, 9),
            "log": st.booleans(),
            "when": st.dictionaries(st.sampled_from(["depth", "optimizer", "layers"]), VALUES),
        },
    ),
)
SYNTAX = st.text(st.sampled_from("{}[]:,&*!|>-?#'\"\\\n\t %@`<=~.abx019é\0\x85\ufeff"), max_size=60)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spaces") / "mine.yaml"


def load(file: Path, content: bytes) -> Space | None:
    """What a file's content gives: a space, or None after one line of a message."""
    file.write_bytes(content)
    try:
        return load_space(str(file))
    except FmsearchError as error:
        message = str(error)
    assert str(file) in message
    assert "\n" not in message
    assert len(message) < 30_000
    return None


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a document, with each of its keys or positions."""
    for key in document if isinstance(document, dict) else range(len(document)):
        yield document, key
        if isinstance(document[key], (dict, list)):
            yield from places(document[key])


PARTS = [(key, container[key]) for document in RIGHT for container, key in places(document)]
PIECES = [part for _, part in PARTS]
WORDS = sorted({key for key, _ in PARTS if isinstance(key, str)})


@st.composite
def spliced(draw: st.DrawFn) -> bytes:
    """A right file in which some bytes were replaced by others."""
    content = draw(st.sampled_from(TEXTS)).encode()
    begin = draw(st.integers(0, len(content)))
    end = min(len(content), begin + draw(st.integers(0, 40)))
    return content[:begin] + draw(st.binary(max_size=8) | SYNTAX.map(str.encode)) + content[end:]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A right document in which up to three places were dropped, renamed or given other values."""
    document = copy.deepcopy(draw(st.sampled_from(RIGHT)))
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(["drop", "rename", "alike", "alike", "any", "domain"]))
        if change == "domain" and isinstance(parameters := document.get("parameters"), dict):
            parameters[draw(st.sampled_from(sorted(parameters) or ["layers"]))] = draw(DOMAINS)
            continue
        container, key = draw(st.sampled_from(list(places(document)) or [({"": 0}, "")]))
        if change == "rename" and isinstance(container, dict):
            container[draw(st.sampled_from(WORDS))] = container.pop(key)
        elif change == "drop":
            del container[key]
        elif change == "alike":
            pieces = [part for name, part in PARTS if name == key] or PIECES
            container[key] = copy.deepcopy(draw(st.sampled_from(pieces)))
        else:
            container[key] = draw(VALUES)
    return document


@PROFILE
@given(content=st.binary(max_size=80) | SYNTAX.map(str.encode) | spliced())
def test_any_bytes_give_a_space_or_a_message(file: Path, content: bytes) -> None:
    load(file, content)


@PROFILE
@given(document=DOCUMENTS)
def test_any_yaml_gives_a_space_or_a_message(file: Path, document: Any) -> None:
    load(file, yaml.safe_dump(document, allow_unicode=True).encode())


@settings(PROFILE, max_examples=300)  # half of them are spaces
@given(document=mutated())
def test_a_nearly_right_document_gives_a_whole_space_or_a_message(
    file: Path, document: Any
) -> None:
    space = load(file, yaml.safe_dump(document, sort_keys=False).encode())
    if space is None:
        return
    assert space.size >= 1
    for point in (example_point(space), *space.published):
        assert point.keys() <= space.parameters.keys()
        assert all(space.parameters[name].domain.holds(value) for name, value in point.items())
        found = space.settings(point)
        assert found.keys() >= {*TRAINING, *point, *space.fixed} - space.family.idle(found)
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        allowed = space.family.settings
        assert all(allowed[name].allowed.allows(value) for name, value in found.items())
    assert read_space(space.text, "again") == space
