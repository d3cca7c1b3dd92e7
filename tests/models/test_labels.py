"""Labels: names from outside as figures can show them."""

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from fmsearch.models import labels
from fmsearch.models.labels import class_labels, families, label

CAT = "\N{CJK UNIFIED IDEOGRAPH-732B}"
LONG = "a name that is longer than any figure has room for"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("T-shirt/top", "T-shirt/top"),
        ("$x_1$ & $y$", "$x_1$ & $y$"),
        ("two\nlines \t and  more", "two lines and more"),
        (LONG, "a name that is lon…room for"),
        ("red \x1b[31m bell\x07", "red □[31m bell□"),
        ("\ud800 alone", "□ alone"),
        ("heart\N{VARIATION SELECTOR-16}\N{ZERO WIDTH JOINER}!", "heart!"),
        ("", ""),
    ],
)
def test_a_label_is_one_line_that_can_be_drawn(text: str, shown: str) -> None:
    assert label(text) == shown
    assert len(label(text)) <= 28


def test_classes_that_cannot_be_told_by_their_labels_have_numbers() -> None:
    names = ["cat", "dog", "cat", " dog", LONG + "1", LONG + "2", "", "\x01"]
    shown = class_labels(names)
    assert shown == [
        *("0: cat", "1: dog", "2: cat", "3: dog"),
        *(f"{number}: a name that is lon…room for{number - 3}" for number in (4, 5)),
        *("", "7: □"),
    ]
    assert len(set(shown)) == len(names)


@pytest.fixture
def installed_font(tmp_path: Path) -> str:
    """A font that has the Chinese character for a cat, and nothing else."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord(CAT): "cat"})
    builder.setupGlyf({".notdef": pen.glyph(), "cat": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (800, 0), "cat": (800, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Cats", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "cats.ttf")
    return str(tmp_path / "cats.ttf")


def forget() -> None:
    for cached in (labels._family, labels._installed, labels._characters):
        cached.cache_clear()


def test_an_installed_font_helps_out(installed_font: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    forget()
    assert label(f"a {CAT}") == "a □"
    font_manager.fontManager.addfont(installed_font)
    forget()
    assert label(f"a {CAT}") == f"a {CAT}"
    assert families(["dog", f"a {CAT}"]) == ["DejaVu Sans", "Cats"]
    forget()


def test_a_font_that_was_removed_is_passed_over(
    installed_font: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    font_manager.fontManager.addfont(installed_font)
    Path(installed_font).unlink()
    forget()
    assert label(CAT) == "□"
    forget()
