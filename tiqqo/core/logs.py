"""Log lines: time, level, event name, then its facts as key=value.

Links that are themselves a permission, and e-mail addresses, are left out of every line, tracebacks and
database errors included: whoever reads the log gets neither.
"""

import logging
import re

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# As `codes.new_secret` makes them: 22 characters behind a slash.
_LINK_SECRET = re.compile(r"(?<=/)[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")


class LineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(
            f"{key}={value!r}"
            for key, value in vars(record).items()
            if key not in _STANDARD and not key.startswith("_") and key not in {"request", "data"}
        )
        line = super().format(record)
        return without_secrets(f"{line} {facts}" if facts else line)


def without_secrets(line: str) -> str:
    """The line without secrets of links and without e-mail addresses."""
    return _EMAIL.sub("…@…", _LINK_SECRET.sub("…", line))
