"""The lock files hold what pyproject.toml asks for, with hashes. Offline; `bin/ci` runs it."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from devtools.paths import REPOSITORY

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^\s;]+)", re.MULTILINE)


def main() -> int:
    """0 when the locks fit, else each difference is printed."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    base_path, dev_path = (REPOSITORY / "requirements" / name for name in ("base.txt", "dev.txt"))
    base, dev = pins(base_path), pins(dev_path)
    asked = project["project"]["dependencies"]
    problems = [
        *unmet(asked, base, "requirements/base.txt"),
        *unmet([*asked, *project["dependency-groups"]["dev"]], dev, "requirements/dev.txt"),
        *(
            f"{name} is {version} in base.txt but {dev.get(name)} in dev.txt"
            for name, version in base.items()
            if dev.get(name) != version
        ),
        *without_hash(base_path),
        *without_hash(dev_path),
    ]
    for problem in problems:
        print(problem)
    if problems:
        print("Compile the locks anew; the command is at the top of each.")
    return 1 if problems else 0


def pins(lock: Path) -> dict[str, str]:
    """Name → version."""
    return {
        canonicalize_name(found["name"]): found["version"]
        for found in PIN.finditer(lock.read_text())
    }


def unmet(requirements: list[str], pinned: dict[str, str], lock: str) -> list[str]:
    """A sentence for each requirement that the lock does not satisfy."""
    problems = []
    for requirement in map(Requirement, requirements):
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            problems.append(f"{requirement.name} is not in {lock}")
        elif not requirement.specifier.contains(version, prereleases=True):
            problems.append(f"{lock} has {requirement.name} {version}, asked for is {requirement}")
    return problems


def without_hash(lock: Path) -> list[str]:
    """A sentence for each pin that no hash follows."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)
    return [
        f"{lock.name}: {block.split()[0]} has no hash"
        for block in blocks
        if PIN.match(block) and "--hash=sha256:" not in block
    ]


if __name__ == "__main__":
    sys.exit(main())
