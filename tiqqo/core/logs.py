"""Log lines: time, level, event name, then its facts as key=value; nobody's secret and no address.

Who reads the log may not therefore open an order, and does not learn who bought. So every line, its
traceback included, is masked when it is written: addresses that are permissions, e-mail addresses, what
stands beside names such as `password`, and what PostgreSQL quotes of a row.
"""

import logging
import re

from tiqqo.core.secret_routes import secret_addresses

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SECRET, ADDRESS = "[secret]", "[e-mail]"

# Bounds keep a long line cheap. Both signs of an address may be percent-encoded.
_EMAIL = re.compile(
    r"[^\s@<>\"'(),;:=\[\]{}/\\&?%]{1,64}(?:%2B[^\s@<>\"'&%]{1,64})?(?:@|%40)"
    r"(?:\[[0-9a-f.:]{2,45}\]|[\w-]{1,63}(?:\.[\w-]{1,63}){0,8})",
    re.IGNORECASE,
)
_USER_OF_ADDRESS = re.compile(r"(://[^\s/:@\"']{1,100}:)[^\s@\"']{1,200}@")
# Names of parameters and keys whose value opens something: `?hold=…`, `{'secret': '…'}`, `token: …`.
_NAMED = re.compile(
    r"(?P<name>\b(?:hold|secret|token|password\d?|api_key|session_key|sessionid|csrftoken|"
    r"csrfmiddlewaretoken|authorization)[\"']?\s{0,3}(?:=|:|=>)\s{0,3}(?:Bearer\s)?[\"']?)"
    r"[^\s\"',;&)}\]]{1,400}",
    re.IGNORECASE,
)
_FAILING_ROW = re.compile(r"(Failing row contains )\([^\n]{0,4000}\)")
_FAILING_KEY = re.compile(r"(Key \([^()\n]{0,200}\)=)\([^\n]{0,1000}?\)(?= )")
_PRIVATE_FILE = re.compile(r"(private/[\w-]{1,40}/)[^\s/\"']{1,200}(?=/)")
# Used as long as routes are being loaded, when it is not known which part of an address is what.
_LONG_PART = re.compile(r"(/)[A-Za-z0-9_-]{20,}(?=[/?\s\"']|$)")


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
        return masked(f"{line} {facts}" if facts else line)


def masked(text: str) -> str:
    """The text without what opens something, and without e-mail addresses."""
    if "/" in text or "%2" in text:
        text = _without_secret_addresses(text)
        text = _USER_OF_ADDRESS.sub(rf"\1{SECRET}@", text)
        text = _PRIVATE_FILE.sub(rf"\1{SECRET}", text)
    if "=" in text or ":" in text:
        text = _NAMED.sub(rf"\g<name>{SECRET}", text)
    if "(" in text:
        text = _FAILING_ROW.sub(r"\1(…)", text)
        text = _FAILING_KEY.sub(r"\1(…)", text)
    return _EMAIL.sub(ADDRESS, text) if "@" in text or "%40" in text else text


def _without_secret_addresses(text: str) -> str:
    pattern = _secret_addresses()
    if pattern is None:
        return _LONG_PART.sub(rf"\1{SECRET}", text)
    return pattern.sub(_up_to_secret, text)


def _up_to_secret(match: re.Match[str]) -> str:
    assert match.lastindex is not None, "each form has one group"
    return match.group()[: match.start(match.lastindex) - match.start()] + SECRET


_known: list[re.Pattern[str]] = []


def _secret_addresses() -> re.Pattern[str] | None:
    """Made once, when the routes are there."""
    if not _known:
        pattern = secret_addresses()
        if pattern is None:
            return None
        _known.append(pattern)
    return _known[0]
