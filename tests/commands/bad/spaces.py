"""Bad space files."""
# ruff: noqa: E501  # the table has a case in a line

from __future__ import annotations

from .case import GRID, LONG, OWN, Bad, Make, changed, file, space

BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
"""Eight to the power of eleven values in 500 bytes, as in "billion laughs"."""

PRINT = "spaces bad.yaml"
SCORED = "study --space bad.yaml --offline --name fresh"


def scored(how: str) -> Make:
    """A grid that is scored in another way."""
    return changed("folds: 3", how, base=GRID)


MERGED = BOMB.replace("[x, x]", "{x: 1}").replace("[*", "{<<: [*").replace("]\n", "]}\n")
MANY_FLAGS = "".join(f"  flag_{one}: [false, true]\n" for one in range(40))
ALL_FLAGS = ", ".join(f"flag_{one}: true" for one in range(40))


# fmt: off
SPACES = (
    Bad("an empty file", PRINT, "must be a mapping with the keys name,", file("bad.yaml", "")),
    Bad("a comment", PRINT, "but is a NoneType", file("bad.yaml", "# nothing\n")),
    Bad("one word", PRINT, "but is a str", file("bad.yaml", "mlp")),
    Bad("no YAML", PRINT, "bad.yaml is no YAML: while parsing a flow", file("bad.yaml", "a: {")),
    Bad("a tab", PRINT, r"found character '\t' that cannot start", space("\ttrials: 3\n")),
    Bad("two documents", PRINT, "but found another document", space("---\n" + GRID)),
    Bad("Latin-1", PRINT, "cannot read bad.yaml: 'utf-8'", file("bad.yaml", b"name: f\xfcr\n")),
    Bad("a NUL", PRINT, "unacceptable character #x0000", space("about: \0\n")),
    Bad("a written NUL", PRINT, r"line 6: '\x00' has characters that no", space('about: "\\0"\n')),
    Bad("half a character", PRINT, r"'\ud83d' has characters", space('about: "\\ud83d"\n')),
    Bad("an endless text", PRINT, "line 6: a text has more than 5,000", space(f"about: {LONG}x\n")),
    Bad("an endless file", PRINT, "bad.yaml has more than 100,000 bytes", space("#" * 100_000)),
    Bad("a key twice", PRINT, "bad.yaml: line 6: 'name' stands twice", space("name: other\n")),
    Bad("an inner key twice", PRINT, "line 6: 'epochs' stands", space("fixed: {epochs: 1, epochs: 2}\n")),
    Bad("a list as key", PRINT, "found unhashable key", space("? [a]\n: 1\n")),
    Bad("an alias of nothing", PRINT, "found undefined alias 'a'", space("about: *a\n")),
    Bad("aliases of aliases", PRINT, "bad.yaml has more than 10,000 values, those", space(BOMB)),
    Bad("merged aliases", PRINT, "bad.yaml has more than 10,000 values, those", space(MERGED)),
    Bad("an alias of itself", PRINT, "bad.yaml has more than 10,000", space("about: &a [*a]\n")),
    Bad("very deep", PRINT, "bad.yaml is no YAML: it is nested too", space("about: " + "[" * 9_999)),
    Bad("deep enough to show", PRINT, "is not text", space(f"about: {'[' * 90}{']' * 90}\n")),
    Bad("a Python object", PRINT, "determine a constructor", changed("own", "!!python/object:os.system {}")),
    Bad("a Python call", PRINT, "constructor for the tag", changed("own", "!!python/name:os.system")),
    Bad("a tag without its value", PRINT, "a value is not of its type", space("about: !!bool maybe\n")),
    Bad("a time that is none", PRINT, "a is read as a date", space("about: !!timestamp a\n")),
    Bad("a 13th month", PRINT, "2020-13-01 is read as a date; put it", space("about: 2020-13-01\n")),
    Bad("a date", PRINT, 'put it in quotes: "2024-01-01"', changed("4", "2024-01-01")),
    Bad("an octal number", PRINT, "write 64 or 52, or put it in quotes", changed("4", "064")),
    Bad("a time of day", PRINT, '1:30 is read as 90; write 90, or put it in quotes: "1:30"', changed("4", "1:30")),
    Bad("a number with a line in it", PRINT, "1_000 is read as 1000; write 1000", changed("4", "1_000")),
    Bad("a country", PRINT, 'no is read as false; write false, or put it in quotes: "no"', changed("4", "no")),
    Bad("a switch as key", PRINT, "on is read as true", changed("width", "on")),
    Bad("a number beyond all", PRINT, "1e999 is too large for a number", changed("4", "1e999")),
    Bad("a seed of one's own", PRINT, "parameters.seed: the run has the training's own seed", changed("width", "seed")),
    Bad("an endless name", PRINT, "a name has at most 250 characters", changed("width", "w" * 251)),
    Bad("a huge number", PRINT, "is beyond 9,007,199,254,740,992", changed("4", "1" + "0" * 300)),
    Bad("a huge hexadecimal", PRINT, "is beyond 9,007,199", changed("4", "0x" + "f" * 5_000)),
    Bad("an endless number", PRINT, "(4300 digits)", changed("4", "9" * 5_000)),
    Bad("infinite epochs", PRINT, ".inf is no finite number", changed("[1, 2]", "[.inf]", base=GRID)),
    Bad("infinity in a model", PRINT, ".inf is no finite number; put", changed("4", ".inf")),
    Bad("nan in a model", PRINT, ".nan is no finite number; put", changed("4", ".nan")),
    Bad("one and true", PRINT, "1 and True are the same; keep one", changed("[4, 8]", "[1, true]")),
    Bad(
        "kinds mixed in a grid",
        PRINT,
        "parameters.width: a grid's choices are of one type, not int and str",
        file("bad.yaml", OWN.replace("optuna", "keras_tuner").replace("[4, 8]", "[4, wide]")),
    ),
    Bad(
        "conditions in a circle",
        PRINT,
        "parameters.a.when.b: is no parameter that stands before it; there: none",
        changed("width: [4, 8]", "a: {int: [1, 2], when: {b: 1}}, b: {int: [1, 2], when: {a: 1}}"),
    ),
    Bad(
        "conditions without number",
        PRINT,
        "cases apart, more than 10,000; let them name fewer parameters",
        changed("{width: [4, 8]}", f"\n{MANY_FLAGS}  width: {{int: [1, 2], when: {{{ALL_FLAGS}}}}}"),
    ),
    Bad("a fault of 50,000 letters", PRINT, " … ", changed("own", f"[{', '.join(['word'] * 9_000)}]")),
    Bad("hundreds of faults", PRINT, "faults more", space("".join(f"a{n}: 1\n" for n in range(900)))),
    Bad("an unknown metric", PRINT, "score.metric: 'macro_f' is unknown; did you mean macro_f1?", scored("folds: 3, metric: macro_f")),
    Bad("a metric like no other", PRINT, "score.metric: 7 is unknown; it is one of accuracy, balanced_accuracy,", scored("folds: 3, metric: 7")),
    Bad("repeats of the same", PRINT, "score.repeats: without `shuffle: true` all repeats would be the same", scored("folds: 3, repeats: 2")),
    Bad("half a repeat", PRINT, "score.repeats: 1.5 is not a whole number from 1 to 100", scored("folds: 3, repeats: 1.5")),
    Bad("stratified in words", PRINT, "score.stratified: 'well' is not true or false", scored("folds: 3, stratified: well")),
    Bad("one fold", PRINT, "score.folds: 1 is not a whole number of at least 2", scored("folds: 1")),
    Bad("stratified held out images", PRINT, "score.stratified: belongs to cross_validation", changed("validation}", "validation, stratified: true}")),
    Bad("an unknown way to shuffle", PRINT, "score.shufle: unknown key; did you mean shuffle?", scored("folds: 3, shufle: true")),
    Bad("folds for more than there are", SCORED, "score.stratified: 8 folds want as many images of each class, and of class 0 only 7 are among the 15", scored("folds: 8, stratified: true")),
    Bad("more folds than images", SCORED, "16 folds are more than the 15 training images", scored("folds: 16")),
    Bad("the best three of two", SCORED, "score.metric: top_3_accuracy wants 4 classes at least, and the data have 2", scored("folds: 3, metric: top_3_accuracy")),
    Bad("ROC AUC of one class", SCORED, "score.metric: roc_auc_ovr wants images of all classes wherever it is computed", scored("folds: 15, metric: roc_auc_ovr")),
    Bad("a model above its folder", PRINT, "model: '..mine:build' is unknown", changed("mine:", "..mine:")),
)
