"""Folders that one process at a time may use."""

import fcntl
import os
from pathlib import Path


class Claimed(Exception):
    """Somebody else uses the folder; `note` is what they left about themselves."""

    def __init__(self, path: Path, note: str) -> None:
        super().__init__(f"{path} is in use{': ' if note else ''}{note}")
        self.path = path
        self.note = note


class Claim:
    """A lock file that the kernel lets go of when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, note: str = "") -> None:
        """The claim is ours; raises Claimed when it is somebody else's."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise Claimed(self.path, self.path.read_text().strip()) from None
        self._file = file
        self.annotate(note)

    def annotate(self, note: str) -> None:
        """Whoever comes second reads `note`."""
        assert self._file is not None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, note.encode(), 0)

    def release(self) -> None:
        """Others may take the claim; harmless when it is not ours."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
