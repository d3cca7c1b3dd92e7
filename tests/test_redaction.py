"""Redaction: no secret in what is shown and logged, however it stands there."""

from __future__ import annotations

import logging
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from fmsearch.commands.terminal import LogFormatter
from fmsearch.redaction import HIDDEN, redacted, shown

SECRET = "SECRET/PW"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (f"postgresql://me:{SECRET}@host/x", "postgresql://me:***@host/x"),
        ("postgresql://me:SEC@RET@host/x", "postgresql://me:***@host/x"),
        ("postgresql://me:SEC?RET#@host/x", "postgresql://me:***@host/x"),
        ("postgresql+psycopg://:SECRET@host/x", "postgresql+psycopg://:***@host/x"),
        ("postgresql://me@host/x", "postgresql://me@host/x"),
        ("https://SECRET@host/x", "https://***@host/x"),
        ("s3://me:SECRET@bucket", "s3://me:***@bucket"),
        ("https://host/x?api_key=SECRET", "https://host/x?api_key=***"),
        ("https://host/x#token=SECRET", "https://host/x#***"),
        ("http://host:5000/#/experiments/1", "http://host:5000/#/experiments/1"),
        ("sqlite:////home/a@b/x.db?timeout=3", "sqlite:////home/a@b/x.db?timeout=3"),
        ("postgresql://h/x?sslmode=require&user=me", "postgresql://h/x?sslmode=require&user=me"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, expected: str) -> None:
    assert shown(address) == expected


@pytest.mark.parametrize(
    "option",
    ["password", "passwd", "pw", "PASSWORD", "pass%77ord", "api_key", "apikey", "token",
     "sslpassword", "sig", "X-Amz-Signature", "secret", "passfile", "what-nobody-thought-of"],
)  # fmt: skip
def test_of_an_unknown_option_only_the_name_is_shown(option: str) -> None:
    found = shown(f"postgresql://host/x?sslmode=require&{option}=SECRET")
    assert found == f"postgresql://host/x?sslmode=require&{option}=***"


CHARACTERS = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.text(CHARACTERS, min_size=1), st.sampled_from(["postgresql", "https", "mysql+pymysql"]))
def test_whatever_a_library_takes_for_the_password_is_hidden(words: str, scheme: str) -> None:
    password = f"<{words}>"
    for written in (password, quote(password, safe="")):
        address = f"{scheme}://me:{written}@host/x"
        assert written not in shown(address)
        assert written not in redacted(f"cannot open {address}: no")
    taken = []
    try:
        taken.append(make_url(address).password)
        taken.append(urlsplit(address).password)
    except (ArgumentError, ValueError):
        pass
    assert all(str(one) not in shown(address) for one in taken)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no 'https://h/?key=SECRET', why", "no 'https://h/?key=***', why"),
        ("no 'postgresql://me:SECRET@h/x', why", "no 'postgresql://me:***@h/x', why"),
        ("dsn: host=h password=SECRET port=5", "dsn: host=h password=*** port=5"),
        ("api_key='SECRET WORD' x", "api_key=*** x"),
        ("Authorization: Bearer SECRET, x", "Authorization: Bearer ***, x"),
        ("passwd = SECRET", "passwd = ***"),
        ("set MLFLOW_TRACKING_PASSWORD, or go on", "set MLFLOW_TRACKING_PASSWORD, or go on"),
        ("password authentication failed for me", "password authentication failed for me"),
    ],
)
def test_a_text_is_redacted(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_logged_traceback_has_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(f"postgresql://me:{SECRET}@host/x")
    except ValueError:
        logging.getLogger("fmsearch.test").warning("at %s", "https://h/?k=SECRET", exc_info=True)
    (record,) = caplog.records
    written = LogFormatter("%(message)s").format(record)
    assert "SECRET" not in written
    assert written.count(HIDDEN) == 3  # the line of code stands in a traceback, too
