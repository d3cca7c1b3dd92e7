"""Text from outside, for terminals and for Markdown."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fmsearch.text import markdown, one_line, printable

OUTSIDE = st.text(st.characters(codec="utf-8"), max_size=60)
MARKUP = (
    "<script>alert(1)</script>",
    "# no *bold* [link](http://a) ![x](y)",
    "- a\n+ b\n3) c\n    d",
)


@given(OUTSIDE)
def test_printable_text_has_nothing_that_steers_a_terminal(text: str) -> None:
    shown = printable(text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", shown)
    assert "\n" not in one_line(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("caf\xe9 \u732b", "caf\xe9 \u732b"), ("a\x1b[2Jb", r"a\x1b[2Jb"), ("\ud800", r"\ud800")],
)
def test_other_characters_stand_as_python_writes_them(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(OUTSIDE)
@example(MARKUP[0])
@example(MARKUP[1])
@example(MARKUP[2])
@example("a | b\n---|---\n=\n```")
@example("&amp; &#60; 1986\\. 7. x")
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    rendered = (
        MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .render(markdown(text))
    )
    assert set(re.findall(r"</?(\w+)", rendered)) <= {"p"}
    shown = html.unescape(re.sub(r"</?p>", "", rendered))
    assert shown.split() == text.replace("\0", "\N{REPLACEMENT CHARACTER}").split()


def test_a_text_stays_in_its_cell_of_a_table() -> None:
    rendered = (
        MarkdownIt("commonmark")
        .enable("table")
        .render(f"| a | b |\n|---|---|\n| {markdown('x | y')} | z |")
    )
    assert re.findall("<td>(.*?)</td>", rendered) == ["x | y", "z"]
