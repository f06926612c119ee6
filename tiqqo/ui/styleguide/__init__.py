"""The style guide: every component with believable data, in every state.

A specimen is a template `templates/styleguide/specimens/<name>.html` that stands in `GROUPS`.
What it needs comes from the `context()` of a module of this package that stands in `MODULES`.
"""

from dataclasses import dataclass
from typing import Any

from tiqqo.ui.styleguide import basics, data, languages, shop

MODULES = (basics, languages, data, shop)


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    density: str
    names: tuple[str, ...]


GROUPS = (
    Group(
        "Foundations",
        "",
        ("foundations", "buttons", "alert", "pill", "form", "empty", "dialog", "copy", "countdown"),
    ),
    Group(
        "Shop",
        "",
        ("event_card", "stub", "ticket_row", "slot_picker", "code_field", "language_switch"),
    ),
    Group(
        "Desk",
        "dense",
        (
            "kpi",
            "checklist",
            "tasks",
            "table",
            "matrix",
            "filters",
            "pagination",
            "tabs",
            "breadcrumbs",
            "meter",
            "stock",
            "progress",
            "loading",
            "releases_timeline",
            "timeline",
            "card",
            "avatar",
        ),
    ),
    Group(
        "Patterns",
        "dense",
        (
            "chart",
            "chart_bars",
            "sparkline",
            "skeleton",
            "steps",
            "sentence",
            "statement",
            "many_rows",
        ),
    ),
    Group("Door", "", ("door_result",)),
    Group("Everything at once", "", ("dark", "narrow")),
)


def all_specimens() -> dict[str, Any]:
    """The context of the whole style guide."""
    found: dict[str, Any] = {"groups": GROUPS}
    for module in MODULES:
        found |= module.context()
    return found
