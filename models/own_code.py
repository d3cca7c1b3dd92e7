"""The code of a user's own model, which travels with each model that it built."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ..errors import FmsearchError

INSTALLED = tuple(
    Path(path) for name, path in sysconfig.get_paths().items() if name.endswith("lib")
)
"""Folders of Python's own modules and of installed packages."""
_kept: dict[Path, dict[str, str]] = {}
"""By folder, the files as they were when they were run: they may be changed meanwhile."""


@dataclass(frozen=True)
class OwnCode:
    """Python files, with the module among them that is to be imported.

    Attributes:
        module: Its name, with dots.
        files: Their texts, by the path below a folder of Python's import path.
    """

    module: str
    files: Mapping[str, str]

    def write(self, file: Path) -> None:
        """Write it as one file."""
        file.write_text(json.dumps({"module": self.module, "files": dict(self.files)}), "utf-8")

    @classmethod
    def read(cls, file: Path) -> OwnCode | None:
        """What `write` wrote; None where there is no such file."""
        return cls(**json.loads(file.read_text("utf-8"))) if file.exists() else None

    def unpack(self, folder: Path) -> None:
        """Write its files into a folder."""
        for path, text in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")


def own_code(module: str) -> OwnCode:
    """A module that is imported, and the user's other modules that are imported by now.

    These are the ones on the same folder of the import path; of a package that is installed, its
    own ones.
    """
    top = module.partition(".")[0]
    root = _root(sys.modules[module])
    kept = _kept.setdefault(root, {})
    for name, one in list(sys.modules.items()):
        mine = name.partition(".")[0]
        if mine != top and (mine == "fmsearch" or is_installed(root)):
            continue
        if (file := _file(one)) is not None and file in _places(root, name):
            path = file.relative_to(root).as_posix()
            if path not in kept:
                kept[path] = file.read_text("utf-8")
    return OwnCode(module, dict(kept))


def is_installed(folder: Path) -> bool:
    """Whether a folder of the import path has Python's own modules, or installed ones."""
    return any(folder.is_relative_to(one) for one in INSTALLED)


def _root(module: ModuleType) -> Path:
    """The folder of the import path in which a module was found."""
    file = _file(module)
    if file is None:
        raise FmsearchError(f"its module {module.__name__} is no file of Python code")
    levels = module.__name__.count(".") + (file.name == "__init__.py")
    return file.parents[levels]


def _file(module: ModuleType) -> Path | None:
    name = getattr(module, "__file__", None)
    return Path(name).absolute() if name else None


def _places(root: Path, name: str) -> Iterator[Path]:
    """Where a module of that name stands below a folder."""
    path = root.joinpath(*name.split("."))
    yield path.with_name(f"{path.name}.py")
    yield path / "__init__.py"
