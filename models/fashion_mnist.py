"""Fashion-MNIST's four files: where they are found, and how they are verified."""

from __future__ import annotations

import gzip
import hashlib
import logging
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..errors import FmsearchError
from .cache import cache_home

log = logging.getLogger(__name__)

CLASS_NAMES: tuple[str, ...] = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Checksums of the decompressed bytes, because distributors compress them differently."""

DEBIAN_PACKAGE = "dataset-fashion-mnist"
DEBIAN_FOLDER = Path("usr/share/datasets/fashion-mnist")
PUBLISHER = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
SOURCE = "source.txt"
CONNECT_SECONDS, READ_SECONDS, APT_SECONDS = 4, 10, 120


def cache_folder() -> Path:
    """The folder of verified, decompressed files, in the cache."""
    return cache_home() / "fashion-mnist"


def read(name: str) -> bytes:
    """The verified bytes of one cached file.

    Args:
        name: A key of `SHA256`.

    Raises:
        FmsearchError: The file is missing or damaged.
    """
    path = cache_folder() / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FmsearchError(f"{path}: {error.strerror}; run `fmsearch data --fetch`") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise FmsearchError(
            f"{path} is damaged (its SHA-256 is not the published one); "
            "run `fmsearch data --fetch` to replace it"
        )
    return content


def fetch() -> str:
    """Put the four verified files into the cache, from the first source that has them.

    Returns:
        The source that was used.

    Raises:
        FmsearchError: No source has the files; the message lists each source's error.
    """
    tried = []
    for source, bring in SOURCES.items():
        try:
            bring()
            _remember(source)
        except FmsearchError as error:
            tried.append(f"{source}: {error}")
            log.info("%s: %s", source, error)
        else:
            log.info("Fashion-MNIST from %s", source)
            return source
    raise FmsearchError(
        "Fashion-MNIST was not found; tried " + "; ".join(tried) + ". "
        f"Install Debian's package {DEBIAN_PACKAGE}, or give your own images with --data FILE.npz"
    )


def origin() -> str:
    """The folder of the cached files, and the source that they came from."""
    try:
        source = (cache_folder() / SOURCE).read_text("utf-8")
    except OSError:
        source = "an unknown source"
    return f"{cache_folder()} (from {source})"


def _remember(source: str) -> None:
    if source != next(iter(SOURCES)):
        (cache_folder() / SOURCE).write_text(source, "utf-8")


def _check_cache() -> None:
    for name in SHA256:
        read(name)


def _import_gzip_folder(folder: Path) -> None:
    """Verify the four .gz files of `folder` and store them decompressed, all or none."""
    contents = {}
    for name, sha256 in SHA256.items():
        path = folder / f"{name}.gz"
        try:
            contents[name] = gzip.decompress(path.read_bytes())
        except FileNotFoundError as error:
            raise FmsearchError(f"no {path}") from error
        except (OSError, EOFError, zlib.error) as error:
            raise FmsearchError(f"{path} is damaged ({error})") from error
        if hashlib.sha256(contents[name]).hexdigest() != sha256:
            raise FmsearchError(f"{path} is damaged (its SHA-256 is not the published one)")
    target = cache_folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target) as part:
            for name, content in contents.items():
                made = Path(part, name)  # readable by others, as a NamedTemporaryFile is not
                made.write_bytes(content)
                made.replace(target / name)
    except OSError as error:
        raise FmsearchError(f"cannot write {target}: {error.strerror}") from error


def _from_debian() -> None:
    _import_gzip_folder(Path("/") / DEBIAN_FOLDER)


def _download() -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    downloader = pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS))
    with tempfile.TemporaryDirectory() as folder:
        for name in SHA256:
            file = f"{name}.gz"
            try:
                # No known_hash: `_import_gzip_folder` verifies the decompressed bytes.
                pooch.retrieve(
                    f"{PUBLISHER}/{file}", None, fname=file, path=folder, downloader=downloader
                )
            except (requests.RequestException, OSError, ValueError) as error:
                reason = str(error).split("(Caused by")[0].strip()
                raise FmsearchError(f"{PUBLISHER}/{file} ({reason[:160]})") from error
        _import_gzip_folder(Path(folder))


def _from_apt() -> None:
    """Run `apt-get download` and unpack without root; update private package lists if needed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True)
        private = [f"-oDir::State::lists={folder}/lists", f"-oDir::Cache={folder}/cache"]
        try:
            _run(folder, "apt-get", "download", DEBIAN_PACKAGE)
        except FmsearchError:
            _run(folder, "apt-get", *private, "update")
            _run(folder, "apt-get", *private, "download", DEBIAN_PACKAGE)
        archives = list(folder.glob("*.deb"))
        if not archives:
            raise FmsearchError(f"apt-get brought no {DEBIAN_PACKAGE}")
        _run(folder, "dpkg-deb", "-x", str(archives[0]), "unpacked")
        _import_gzip_folder(folder / "unpacked" / DEBIAN_FOLDER)


def _run(folder: Path, *command: str) -> None:
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=APT_SECONDS
        )
    except FileNotFoundError as error:
        raise FmsearchError(f"no {command[0]} on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise FmsearchError(f"{command[0]} gave no answer in {APT_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise FmsearchError(f"{command[0]} failed ({last})") from error


SOURCES: dict[str, Callable[[], None]] = {
    "cache": _check_cache,
    "Debian's installed data set": _from_debian,
    "download": _download,
    "apt-get download": _from_apt,
}
"""The sources that `fetch` tries, in this order."""
