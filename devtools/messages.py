"""`bin/messages`: the catalogues of the texts that buyers read, in step with the sources.

    bin/messages            write what is new into locale/, and compile
    bin/messages --check    say what is missing, fuzzy or stale; 1 if anything is

A catalogue holds the buyers' part and nothing else, so what stands in one must be translated. The
rest of the application is in English (docs/decisions/0009). Everything is Babel's: no gettext tools.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from devtools.paths import REPOSITORY

LANGUAGES = ("nl", "de")
# What buyers read, as paths below the repository's root; a folder is everything in it. Templates
# that one of these names, such as the layouts and components of a page, come with it.
BUYERS_PART = (
    "templates/shop",
    "templates/errors",
    "templates/legal",
    "templates/people",
    "templates/emails",
    "templates/documents/base.html",
    "templates/documents/invoice.html",
    "templates/documents/phone.html",
    "templates/documents/ticket.html",
    "orders/calendar.py",
    "orders/documents.py",
    "orders/errors.py",
    "orders/forms.py",
    "orders/emails.py",
    "orders/email_messages.py",
    "orders/models",
    "orders/price_lines.py",
    "orders/printed.py",
    "orders/queries/buyer.py",
    "orders/queries/shop.py",
    "orders/savings.py",
    "orders/views/buyer.py",
    "orders/views/checkout.py",
    "orders/views/files.py",
    "orders/views/front.py",
    "orders/views/shop.py",
    "orders/waitlist_form.py",
    "orders/waitlist_emails.py",
    "people/views.py",
    "ticketing/errors.py",
    "tiqqo/core/email_addresses.py",
    "tiqqo/core/errors.py",
    "tiqqo/core/limits.py",
    "tiqqo/core/plain_names.py",
    "tiqqo/core/sealed.py",
    "tiqqo/status_words.py",
    "tiqqo/ui/forms.py",
    "tiqqo/ui/emails.py",
    "tiqqo/ui/dates.py",
    "tiqqo/ui/work.py",
    "tiqqo/ui/templatetags/ui.py",
)
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# No dates and no line numbers: a catalogue changes when a text does.
HEADER = """\
# {name}: what buyers read. `bin/messages` keeps it in step with the sources; docs/words.md has the terms.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""
TEMPLATE = re.compile(r"""["']([\w/]+\.html)""")
TAG = re.compile(r"{% (\w+) ")
PLACEHOLDER = re.compile(r"%\(\w+\)\w|%[sd]")


def main(arguments: list[str]) -> int:
    """1 when a check found something, else 0."""
    parser = argparse.ArgumentParser(prog="bin/messages", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    options = parser.parse_args(arguments)
    template = extracted()
    if not options.check:
        for language in LANGUAGES:
            write(language, template)
    found = [problem for language in LANGUAGES for problem in problems(language, template)]
    print("\n".join(found) or f"{len(template)} messages in {' and '.join(LANGUAGES)}: complete")
    return 1 if found and options.check else 0


# The sources ----------------------------------------------------------------------------


def extracted() -> Catalog:
    """Every message of the buyers' part, in the order of the list and of each file."""
    template = Catalog()
    for path in sources():
        for line, message, comments, context in extract(
            "python", BytesIO(_as_python(path).encode()), KEYWORDS, ("Translators:",)
        ):
            name = path.relative_to(REPOSITORY).as_posix()
            template.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return template


def sources() -> list[Path]:
    """The files of the list, and the templates that they name."""
    found: dict[Path, None] = {}
    waiting = [path for name in BUYERS_PART for path in _files(REPOSITORY / name)]
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found[path] = None
            waiting += _templates_named_in(path)
    return sorted(found)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for suffix in ("py", "html", "txt") for file in path.rglob(f"*.{suffix}")]
    return [path]


def _templates_named_in(path: Path) -> list[Path]:
    """By `include`, `extends` or `template_name`, or by the tag that renders a component."""
    text = path.read_text(encoding="utf-8")
    names = TEMPLATE.findall(text) + [f"components/{tag}.html" for tag in TAG.findall(text)]
    paths = (REPOSITORY / "templates" / name for name in names)
    return [path for path in paths if path.is_file()]


def _as_python(path: Path) -> str:
    """A template becomes calls of gettext, line by line; Python does not care for their indentation."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    return "\n".join(line.lstrip() for line in templatize(text, str(path)).splitlines())


# The catalogues -------------------------------------------------------------------------


def catalogue_path(language: str) -> Path:
    return REPOSITORY / "locale" / language / "LC_MESSAGES" / "django.po"


def read(text: str, language: str) -> Catalog:
    return read_po(BytesIO(text.encode()), locale=language)


def updated(text: str, language: str, template: Catalog) -> str:
    """The catalogue with what is new, without what is gone; a near match is kept as fuzzy."""
    catalogue = read(text, language)
    catalogue.update(template)
    out = BytesIO()
    write_po(
        out,
        catalogue,
        width=100,
        omit_header=True,
        ignore_obsolete=True,
        include_previous=True,
        include_lineno=False,
    )
    name = Locale(language).get_display_name("en")
    head = HEADER.format(name=name, language=language, plural_forms=catalogue.plural_forms)
    return head + out.getvalue().decode().strip() + "\n"


def write(language: str, template: Catalog) -> None:
    """Written and compiled."""
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = updated(path.read_text(encoding="utf-8") if path.exists() else "", language, template)
    path.write_text(text, encoding="utf-8")
    with path.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, read(text, language))


def problems(language: str, template: Catalog) -> list[str]:
    """What keeps the language from being complete."""
    path = catalogue_path(language)
    name = path.relative_to(REPOSITORY)
    text = path.read_text(encoding="utf-8")
    found = [f"{name}: {problem}" for problem in faults(read(text, language))]
    if not found and updated(text, language, template) != text:
        found = [f"{name}: not in step with the sources, run bin/messages"]
    missing = [m for m in template if m.id and (m.id, m.context) not in _ids(text, language)]
    return found + [f"{name}: missing, run bin/messages: {_told(message)}" for message in missing]


def _ids(text: str, language: str) -> set[tuple[object, object]]:
    return {(message.id, message.context) for message in read(text, language)}


def faults(catalogue: Catalog) -> Iterator[str]:
    """Message by message: untranslated, fuzzy, or with other placeholders than the source."""
    for message in catalogue:
        if not message.id:
            continue
        source, translation = _forms(message.id), _forms(message.string)
        if not all(translation):
            yield f"untranslated: {_told(message)}"
        elif message.fuzzy:
            yield f"fuzzy: {_told(message)}"
        elif any(
            _placeholders(form) != _placeholders(source[min(number, len(source) - 1)])
            for number, form in enumerate(translation)
        ):
            yield f"other placeholders: {_told(message)}"
        elif any(_edges(form) != _edges(source[0]) for form in translation):
            yield f"other space around it: {_told(message)}"


def _forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _placeholders(text: str) -> list[str]:
    return sorted(set(PLACEHOLDER.findall(text)))


def _edges(text: str) -> tuple[bool, bool]:
    return text != text.lstrip(), text != text.rstrip()


def _told(message: Message) -> str:
    return f"“{_forms(message.id)[0]}”"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
