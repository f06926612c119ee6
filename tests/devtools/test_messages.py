"""The catalogues of what buyers read: complete, and the check that says so can fail."""

import pytest

from devtools import messages
from devtools.messages import Catalog, extracted, faults, problems, read, updated

HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'


def catalogue(body):
    return read(HEAD + body, "nl")


def template(*texts, file="shop.html"):
    catalog = Catalog()
    for text in texts:
        catalog.add(text, locations=[(file, 1)])
    return catalog


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_what_buyers_read_is_complete(language):
    assert problems(language, extracted()) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('msgid "Pay %(total)s"\nmsgstr "%(total)s betalen"', []),
        ('msgid "Total"\nmsgstr ""', ["untranslated: “Total”"]),
        ('#, fuzzy\nmsgid "Total"\nmsgstr "Totaal"', ["fuzzy: “Total”"]),
        (
            'msgid "Pay %(total)s"\nmsgstr "%(totaal)s betalen"',
            ["other placeholders: “Pay %(total)s”"],
        ),
        ('msgid "Pay %(total)s"\nmsgstr "Betalen"', ["other placeholders: “Pay %(total)s”"]),
        (
            'msgid "%(n)s place"\nmsgid_plural "%(n)s places"\nmsgstr[0] "%(n)s plek"\nmsgstr[1] ""',
            ["untranslated: “%(n)s place”"],
        ),
        (
            'msgid "%(n)s place"\nmsgid_plural "%(n)s places"\nmsgstr[0] "%(n)s plek"\nmsgstr[1] "plekken"',
            ["other placeholders: “%(n)s place”"],
        ),
        ('msgid " more"\nmsgstr "meer"', ["other space around it: “ more”"]),
    ],
)
def test_faults_of_a_translation_are_named(body, said):
    assert list(faults(catalogue(body))) == said


def test_a_catalogue_behind_the_sources_is_told(tmp_path, monkeypatch):
    path = tmp_path / "django.po"
    monkeypatch.setattr(messages, "REPOSITORY", tmp_path)
    monkeypatch.setattr(messages, "catalogue_path", lambda _language: path)
    path.write_text(updated(HEAD + 'msgid "Total"\nmsgstr "Totaal"', "nl", template("Total")))

    assert problems("nl", template("Total")) == []
    assert problems("nl", template("Total", "Seats")) == [
        "django.po: not in step with the sources, run bin/messages",
        "django.po: missing, run bin/messages: “Seats”",
    ]
    assert problems("nl", template()) == [
        "django.po: not in step with the sources, run bin/messages"
    ]


def test_a_text_that_changed_a_little_keeps_its_translation_as_fuzzy():
    text = updated(
        HEAD + 'msgid "Your time ran out"\nmsgstr "Je tijd is om"\n',
        "nl",
        template("Your time ran out."),
    )

    assert '#, fuzzy\n#| msgid "Your time ran out"\nmsgid "Your time ran out."' in text
    assert list(faults(read(text, "nl"))) == ["fuzzy: “Your time ran out.”"]


def test_updating_twice_changes_nothing():
    once = updated(HEAD + 'msgid "Total"\nmsgstr "Totaal"', "nl", template("Total", "Seats"))

    assert updated(once, "nl", template("Total", "Seats")) == once


def test_texts_are_found_in_templates_and_in_what_they_name(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "REPOSITORY", tmp_path)
    monkeypatch.setattr(messages, "BUYERS_PART", ("templates/shop", "orders/errors.py"))
    for name, text in {
        "templates/shop/page.html": """{% extends "layouts/public.html" %}
            {% translate "Checkout" %} {% include "components/pill.html" with text=_("Sold out") %}
          {% blocktranslate count left=1 %}{{ left }} place{% plural %}{{ left }} places{% endblocktranslate %}
            {% notice %}""",
        "templates/layouts/public.html": "{# Translators: in the footer #}\n{% translate 'By 100%' %}",
        "templates/components/pill.html": "{{ text }}",
        "templates/components/notice.html": "{% translate 'Notice' %}",
        "templates/reports/home.html": "{% translate 'Revenue' %}",
        "orders/errors.py": "message = gettext_lazy('Already placed.')\n"
        "ngettext('%(n)s seat', '%(n)s seats', n)",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    found = {message.id: message.locations for message in extracted() if message.id}

    assert set(found) == {
        "Already placed.",
        ("%(n)s seat", "%(n)s seats"),
        "Notice",
        "By 100%%",
        "Checkout",
        "Sold out",
        ("%(left)s place", "%(left)s places"),
    }
    assert found["Checkout"] == [("templates/shop/page.html", 2)]
