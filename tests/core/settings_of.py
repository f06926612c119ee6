"""The settings as another environment makes them, read in a process of their own."""

import json
import os
import subprocess
import sys
from typing import Any

from django.conf import settings

_READ = """
import json
from django.conf import settings
wanted = [name for name in dir(settings) if "COOKIE" in name or "HSTS" in name]
def plain(value):
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
print(json.dumps({name: plain(getattr(settings, name)) for name in wanted}, default=str))
"""


def settings_with(**environment: str) -> dict[str, Any]:
    """What settings about cookies and HSTS are where these variables are set beside those of the tests."""
    read = subprocess.run(
        [sys.executable, "-c", _READ],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tiqqo.settings", **environment},
        cwd=settings.ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(read.stdout)
    return found
