"""The rooms of the package: what each offers, how large its parts are, what loading them costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SEARCH = ROOT / "search"
ROOMS = sorted(path.parent for path in SEARCH.glob("*/__init__.py"))
MODULES = sorted(SEARCH.rglob("*.py"))
HEAVY = ("tensorflow", "keras", "optuna", "mlflow", "keras_tuner", "matplotlib", "sklearn")
MOST_ROOMS, MOST_LINES, MOST_FUNCTION_LINES = 20, 250, 50


def offers(room: Path) -> set[tuple[str, str]]:
    """Module and name of what a room's docstring lists below `Offers:`, as `names (module): …`."""
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    listed = text.partition("Offers:\n")[2]
    lines = re.findall(r"^    (\w[\w, ]*) \((\w+)\):", listed, re.MULTILINE)
    return {(module, name) for names, module in lines for name in names.split(", ")}


def imported_elsewhere() -> Iterator[tuple[str, str, str, Path]]:
    """Room, module and name of what modules outside a room import from it, and who does."""
    for path in [*MODULES, *(ROOT / "commands").glob("*.py"), ROOT / "cli.py"]:
        package = ["fmsearch", *path.relative_to(ROOT).parts[:-1]]
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or not node.level:
                continue
            base = package[: len(package) - node.level + 1]
            target = [*base, *(node.module or "").split(".")]
            inside = target[:3] == package[:3]
            if target[:2] == ["fmsearch", "search"] and len(target) == 4 and not inside:
                for name in node.names:
                    yield target[2], target[3], name.name, path


def test_the_rooms_are_few() -> None:
    assert len(ROOMS) <= MOST_ROOMS


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_what_it_offers(room: Path) -> None:
    assert offers(room), "its docstring lists nothing below Offers:"
    for module, name in offers(room):
        tree = ast.parse((room / f"{module}.py").read_text())
        assert name in set(defined(tree)), f"{module}.py has no {name}"


def defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines at its top."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for target in targets for one in ast.walk(target)
                        if isinstance(one, ast.Name))  # fmt: skip


def test_other_rooms_take_only_what_a_room_offers() -> None:
    offered = {(room.name, *one) for room in ROOMS for one in offers(room)}
    taken = [
        f"{path.relative_to(ROOT)} takes {name} of {room}/{module}.py"
        for room, module, name, path in imported_elsewhere()
        if (room, module, name) not in offered
    ]
    assert taken == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SEARCH)))
def test_a_module_of_search_is_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        f"{node.name}, {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert long == []


def test_the_rooms_load_nothing_heavy() -> None:
    names = ["fmsearch.search", *(f"fmsearch.search.{room.name}" for room in ROOMS)]
    code = f"import sys, {', '.join(names)}; print([one for one in {HEAVY} if one in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_no_engine_is_told_by_its_name_outside_the_engines_and_the_reader_of_spaces() -> None:
    names = re.compile(
        r"""[=!]=\s*["'](optuna|keras_tuner)["']|["'](optuna|keras_tuner)["']\s*[=!]="""
    )
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in [*MODULES, *(ROOT / "commands").glob("*.py")]
        if path.parent.name != "engines" and path.name != "reader.py"
        for line in path.read_text().splitlines()
        if names.search(line)
    ]
    assert found == []


def test_optunas_private_parts_are_used_in_one_module() -> None:
    private = re.compile(r"optuna[\w.]*\._\w+|\._trial_id\b|\b_CachedStorage\b")
    found = {
        str(path.relative_to(ROOT))
        for path in [*MODULES, *(ROOT / "commands").glob("*.py")]
        if private.search(path.read_text())
    }
    assert found == {"search/storage/optuna_private.py"}


ROWS = [
    line
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| to add")
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_what_contributing_names_is_there(row: str) -> None:
    named = re.findall(r"`([\w./-]+)`", row)
    files = [ROOT / one for one in named if "/" in one or one.endswith(".yml")]
    assert files, "a row names the files"
    assert [path for path in files if not path.exists()] == []
    text = "".join(path.read_text() for path in files if path.is_file())
    names = [one for one in named if re.fullmatch(r"_?[A-Za-z_]+", one)]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def test_each_test_that_a_document_names_is_there() -> None:
    documents = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").glob("*.md")),
    ]
    named = [
        (document.name, name)
        for document in documents
        for name in re.findall(r"tests/[\w/]+\.py", document.read_text())
    ]
    assert named
    assert [one for one in named if not (ROOT / one[1]).exists()] == []
