"""Words of YAML without quotes: what they are, and which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from fmsearch.errors import FmsearchError
from fmsearch.search.space.load import read_space
from fmsearch.search.space.parameters import Choice
from fmsearch.search.space.yaml_document import read_document

OWN = """\
name: own
model: mine:build
engine: optuna
score: {by: validation}
parameters: {size: [%s]}
"""
ACCEPTED: dict[str, Any] = {
    "0": 0, "-0": 0, "64": 64, "+5": 5, "-5": -5, "0x1F": 31, "9007199254740992": 2**53,
    "0.5": 0.5, ".5": 0.5, "-.5": -0.5, "5.": 5.0, "01.5": 1.5, "1e-4": 1e-4, "1E5": 1e5,
    "1.0e5": 1e5, "-1.5e+3": -1500.0, "true": True, "False": False, "TRUE": True,
    "adam": "adam", "y": "y", "n": "n", "e5": "e5", "1e": "1e", "1.2.3": "1.2.3", "v064": "v064",
    "infinite": "infinite", "\N{ARABIC-INDIC DIGIT THREE}": "\N{ARABIC-INDIC DIGIT THREE}",
    '"064"': "064", "'yes'": "yes", '"1:30"': "1:30", '"1e-4"': "1e-4", '"nan"': "nan", '""': "",
    '"2024-01-01"': "2024-01-01", '"1_000"': "1_000", '"0.1"': "0.1",
}  # fmt: skip
REFUSED = {
    "064": '064 may be read in several ways; write 64 or 52, or put it in quotes: "064"',
    "-010": '-010 may be read in several ways; write -10 or -8, or put it in quotes: "-010"',
    "08": '08 may be read in several ways; write 8, or put it in quotes: "08"',
    "00": '00 may be read in several ways; write 0, or put it in quotes: "00"',
    "0o17": '0o17 may be read in several ways; write 17 or 15, or put it in quotes: "0o17"',
    "0b101": '0b101 is read as 5; write 5, or put it in quotes: "0b101"',
    "-0x1F": '-0x1F is read as -31; write -31, or put it in quotes: "-0x1F"',
    "1_000": '1_000 is read as 1000; write 1000, or put it in quotes: "1_000"',
    "1_0.5": '1_0.5 is read as 10.5; write 10.5, or put it in quotes: "1_0.5"',
    "1:30": '1:30 is read as 90; write 90, or put it in quotes: "1:30"',
    "1:30.5": '1:30.5 is read as 90.5; write 90.5, or put it in quotes: "1:30.5"',
    "yes": 'yes is read as true; write true, or put it in quotes: "yes"',
    "NO": 'NO is read as false; write false, or put it in quotes: "NO"',
    "on": 'on is read as true; write true, or put it in quotes: "on"',
    "Off": 'Off is read as false; write false, or put it in quotes: "Off"',
    "2024-01-01": '2024-01-01 is read as a date; put it in quotes: "2024-01-01"',
    "2024-13-99": '2024-13-99 is read as a date; put it in quotes: "2024-13-99"',
    "=": '= is read as a default; put it in quotes: "="',
    ".nan": '.nan is no finite number; put it in quotes: ".nan", if a word is meant',
    "NaN": 'NaN is no finite number; put it in quotes: "NaN", if a word is meant',
    "-.inf": '-.inf is no finite number; put it in quotes: "-.inf", if a word is meant',
    "inf": 'inf is no finite number; put it in quotes: "inf", if a word is meant',
    "Infinity": 'Infinity is no finite number; put it in quotes: "Infinity", if a word is meant',
    "1e999": '1e999 is too large for a number; put it in quotes: "1e999", if a word is meant',
}


@pytest.mark.parametrize("word", ACCEPTED)
def test_a_word_is_what_it_looks_like(word: str) -> None:
    (read,) = read_document(f"[{word}]", "mine")
    assert read == ACCEPTED[word]
    assert type(read) is type(ACCEPTED[word])


@pytest.mark.parametrize("word", ACCEPTED)
def test_a_users_own_model_gets_a_word_as_it_is(word: str) -> None:
    domain = read_space(OWN % word, "mine").parameters["size"].domain
    assert isinstance(domain, Choice)
    assert [(one, type(one)) for one in domain.values] == [(ACCEPTED[word], type(ACCEPTED[word]))]


@pytest.mark.parametrize("word", REFUSED)
def test_a_word_that_is_something_else_is_refused(word: str) -> None:
    with pytest.raises(FmsearchError) as raised:
        read_document(f"a: 1\nb: [{word}]", "mine")
    assert str(raised.value) == f"mine: line 2: {REFUSED[word]}"


def test_keys_are_looked_at_too_and_all_faults_are_told() -> None:
    with pytest.raises(FmsearchError) as raised:
        read_document("on: 1\na: 064", "mine")
    assert "line 1: on is read as true" in str(raised.value)
    assert "line 2: 064 may be read" in str(raised.value)


def test_a_name_that_is_a_number_is_to_be_put_in_quotes() -> None:
    with pytest.raises(FmsearchError, match=r"name: 100000\.0 is not text; put it in quotes"):
        read_space(OWN.replace("name: own", "name: 1e5") % 1, "mine")


@pytest.mark.parametrize(("word", "value"), [("064", 52), ("1_000", 1000), ("yes", True)])
def test_a_study_on_record_is_read_as_it_was_read_when_it_was_begun(
    word: str, value: object
) -> None:
    text = OWN % word
    domain = read_space(text, "mine", recorded=True).parameters["size"].domain
    assert domain == Choice((value,))  # type: ignore[arg-type]
    with pytest.raises(FmsearchError, match="put it in quotes"):
        read_space(text, "mine")


def test_a_recorded_text_that_is_damaged_is_refused() -> None:
    with pytest.raises(FmsearchError, match="nonsense: unknown key"):
        read_space(OWN % "064" + "nonsense: 1\n", "mine", recorded=True)


@pytest.mark.parametrize("choices", ['1, "1"', '"0.5", 0.5', 'true, "True"'])
def test_a_number_and_its_text_cannot_be_told_apart_in_a_run(choices: str) -> None:
    with pytest.raises(FmsearchError, match="are one text in MLflow; keep one"):
        read_space(OWN % choices, "mine")
