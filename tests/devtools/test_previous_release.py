"""The release before, as git has it."""

import subprocess
import tomllib

import pytest

from devtools.paths import REPOSITORY
from devtools.previous_release import NAMED_IN, Unusable, previous_release, unpacked


def test_commit_that_git_does_not_have_is_told_with_what_to_do(tmp_path):
    with pytest.raises(Unusable, match=r"git has no commit 0123456789.*git fetch --unshallow"):
        unpacked("0123456789", tmp_path / "code")


def test_code_of_the_release_before_is_there_as_it_was(tmp_path):
    code = unpacked(previous_release(), tmp_path / "code")

    shown = subprocess.run(
        ["git", "show", f"{previous_release()}:manage.py"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    assert (code / "manage.py").read_bytes() == shown.stdout


def test_listed_migrations_are_the_last_of_that_release(tmp_path):
    code = unpacked(previous_release(), tmp_path / "code")

    listed = tomllib.loads(NAMED_IN.read_text())["migrations"]
    last = {
        folder.parent.name: max(path.stem for path in folder.glob("0*.py"))
        for folder in [*code.glob("*/migrations"), code / "tiqqo/core/migrations"]
    }
    assert listed == last
