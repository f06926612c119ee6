"""What the switch of languages shows."""

from typing import Any

from tiqqo.ui.templatetags.ui import Language


def context() -> dict[str, Any]:
    names = (("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch"))
    return {"languages_of_a_page": [Language(code, name, code == "nl") for code, name in names]}
