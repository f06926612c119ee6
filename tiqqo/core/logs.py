"""Log lines: time, level, event name, then its facts as key=value."""

import logging

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


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
        return f"{line} {facts}" if facts else line
