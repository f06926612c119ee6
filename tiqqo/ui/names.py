"""Form fields for names that stand in mails and on pages of ours."""

from typing import Any

from django import forms

from tiqqo.core.plain_names import refuse_addresses, refuse_sites


class NameField(forms.CharField):
    """The name of a thing, a company or an organisation: see `tiqqo.core.plain_names`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(refuse_addresses)


class PersonNameField(forms.CharField):
    """The name of a person, which no web site has."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(refuse_sites)
