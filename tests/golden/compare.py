"""Golden files: what the application says, kept beside the tests and read in every review.

`UPDATE_GOLDEN=1 bin/test tests/orders/test_emails.py tests/golden` writes them anew; look at the
difference before you commit it.
"""

import os
from pathlib import Path

HERE = Path(__file__).parent


def compare(name: str, text: str) -> None:
    """The text is as it was."""
    path = HERE / name
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text(encoding="utf-8")
