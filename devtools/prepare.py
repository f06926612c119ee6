"""Several commands of manage.py in one process, because starting Django takes seconds each time.

`python -m devtools.prepare '[["migrate", "--no-input"], …]'`; what `demo --print-logins` says goes
into the file that LOGINS_FILE names.
"""

import json
import os
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main(commands: list[list[str]]) -> None:
    """All have succeeded, in this order; the first failure ends the process with its traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiqqo.settings")
    django.setup()
    for command in commands:
        if "--print-logins" in command:
            with Path(os.environ["LOGINS_FILE"]).open("w") as out:
                call_command(*command, stdout=out)
        else:
            call_command(*command)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
