"""Form fields for names that stand in mails and on pages of ours.

Django runs every validator of a field, also on a text that is too long for it. A search through a name is
worth its time only where the name is of a length that may be stored.
"""

from typing import Any

from django import forms

from tiqqo.core.plain_names import refuse_addresses, refuse_sites


class NameField(forms.CharField):
    """The name of a thing, a company or an organisation: see `tiqqo.core.plain_names`."""

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        refuse_addresses(value)


class PersonNameField(forms.CharField):
    """The name of a person, which no web site has."""

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        refuse_sites(value)
