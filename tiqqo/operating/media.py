"""The files of MEDIA_ROOT in one archive, and back."""

import os
import shutil
import tarfile
from pathlib import Path

from tiqqo.operating.errors import Stopped


def pack(media_root: Path, archive: Path) -> int:
    """The archive holds every file below the folder; how many.

    Files that are removed meanwhile are left out. Whoever needs consistency saves the database
    first: a file stands on the disk before a row names it.
    """
    count = 0
    with tarfile.open(archive, "w") as tar:
        for folder, _folders, names in os.walk(media_root):
            for name in sorted(names):
                count += _add(tar, Path(folder) / name, media_root)
    return count


def _add(tar: tarfile.TarFile, path: Path, media_root: Path) -> int:
    if not path.is_file():
        return 0
    try:
        with path.open("rb") as file:
            # From the open file: its size cannot be that of another that took its name.
            entry = tar.gettarinfo(arcname=str(path.relative_to(media_root)), fileobj=file)
            tar.addfile(entry, file)
    except FileNotFoundError:
        return 0
    return 1


def check_empty(media_root: Path) -> None:
    """Raises Stopped when there are files already."""
    if media_root.is_dir() and any(media_root.iterdir()):
        raise Stopped(
            f"{media_root} holds files already: name an empty folder in MEDIA_ROOT, or use --replace, "
            "which moves them aside."
        )


def unpack(archive: Path, media_root: Path) -> tuple[Path, int]:
    """A folder beside MEDIA_ROOT that holds what the archive holds, and how many files."""
    beside = media_root.parent / f"{media_root.name}.unfinished"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            # Nothing outside the folder, no links, no devices, whatever the archive says.
            tar.extractall(beside, filter="data")
            count = sum(1 for entry in tar.getmembers() if entry.isfile())
    except (OSError, tarfile.TarError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise Stopped(f"Nothing was restored: {archive} cannot be unpacked: {error}") from error
    return beside, count


def put_in_place(beside: Path, media_root: Path) -> Path | None:
    """MEDIA_ROOT holds what that folder held and nothing else; where what it held before is now."""
    aside = None
    if media_root.is_dir() and any(media_root.iterdir()):
        number = 1
        while (aside := media_root.parent / f"{media_root.name}.before-{number}").exists():
            number += 1
    try:
        if aside:
            media_root.rename(aside)
        elif media_root.is_dir():
            media_root.rmdir()
        beside.rename(media_root)
    except OSError:
        # A mounted folder cannot be renamed: what it holds moves.
        _exchange(media_root, beside, aside)
        beside.rmdir()
    return aside


def _exchange(media_root: Path, beside: Path, aside: Path | None) -> None:
    media_root.mkdir(exist_ok=True)
    if aside:
        aside.mkdir(exist_ok=True)
        for path in list(media_root.iterdir()):
            shutil.move(path, aside / path.name)
    for path in list(beside.iterdir()):
        shutil.move(path, media_root / path.name)
