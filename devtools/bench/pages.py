"""What a browser without JavaScript reads from a page: its forms."""

import html
import re
from dataclasses import dataclass, field

_TAG = re.compile(r"<(/?)(form|input|textarea|select|option)\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_ATTRIBUTE = re.compile(r"([a-zA-Z][-\w]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_NEVER_SENT = {"submit", "button", "image", "reset", "file"}
_SENT_WHEN_CHECKED = {"checkbox", "radio"}
_ALERT = re.compile(r"class=\"alert__body\">(.*?)</div>", re.DOTALL)
_TAGS = re.compile(r"<[^>]*>")


class FormMissing(Exception):
    """The page has no such form."""


@dataclass(slots=True)
class Form:
    """Where a form goes, and what it sends if nobody types anything."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


def form_to(page: str, ending: str) -> Form:
    """The page's form whose address ends so. Raises FormMissing."""
    found = forms(page)
    for form in found:
        if form.action.endswith(ending):
            return form
    there = ", ".join(form.action for form in found) or "none"
    raise FormMissing(f"no form to …{ending}; there is: {there}")


def forms(page: str) -> list[Form]:
    """The forms in their order; fields that stand elsewhere and name a form belong to it, too."""
    found: list[Form] = []
    by_id: dict[str, Form] = {}
    elsewhere: list[tuple[str, str, str]] = []
    inside: Form | None = None
    select = ""
    for tag in _TAG.finditer(page):
        is_end, name = bool(tag[1]), tag[2]
        if is_end:
            inside = None if name == "form" else inside
            select = "" if name == "select" else select
            continue
        has = _attributes(tag[3])
        if name == "form":
            inside = Form(has.get("action", ""))
            found.append(inside)
            by_id[has.get("id", "")] = inside
        elif name == "option":
            if inside and select and ("selected" in has or select not in inside.fields):
                inside.fields[select] = has.get("value", "")
        elif "disabled" not in has and has.get("name"):
            select = has["name"] if name == "select" else select
            value = _value(page, tag, has)
            if value is None:
                continue
            if "form" in has:
                elsewhere.append((has["form"], has["name"], value))
            elif inside:
                inside.fields[has["name"]] = value
    for owner, name, value in elsewhere:
        if owner in by_id:
            by_id[owner].fields[name] = value
    return found


def first_value(page: str, name: str) -> str:
    """What the first field of that name sends when it is chosen. Raises FormMissing."""
    for tag in _TAG.finditer(page):
        has = _attributes(tag[3])
        if has.get("name") == name:
            return has.get("value", "")
    raise FormMissing(f"no field {name}")


def alert(page: str) -> str:
    """What the page's alert says, as plain text; empty without one."""
    found = _ALERT.search(page)
    return " ".join(html.unescape(_TAGS.sub(" ", found[1])).split()) if found else ""


def _value(page: str, tag: re.Match[str], has: dict[str, str]) -> str | None:
    """What the field sends untouched; None when it sends nothing (a select: its options do)."""
    if tag[2] == "textarea":
        return html.unescape(page[tag.end() : page.index("</textarea", tag.end())]).lstrip("\n")
    if tag[2] == "select":
        return None
    kind = has.get("type", "text").lower()
    if kind in _NEVER_SENT or (kind in _SENT_WHEN_CHECKED and "checked" not in has):
        return None
    return has.get("value", "on" if kind in _SENT_WHEN_CHECKED else "")


def _attributes(text: str) -> dict[str, str]:
    return {
        name.lower(): html.unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(text)
    }
