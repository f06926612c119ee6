"""`python -m devtools.on_stack MODULE …`: a module, configured as the stack that runs in var/.

Variables that are set already are left as they are.
"""

import json
import os
import runpy
import sys

from devtools.paths import VAR


def main(module: str, arguments: list[str]) -> None:
    """The module has run as a program of its own."""
    configuration = json.loads((VAR / "run" / "environment.json").read_text())
    os.environ.update(
        {name: value for name, value in configuration.items() if name not in os.environ}
    )
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
