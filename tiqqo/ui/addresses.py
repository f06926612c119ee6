"""The form field for somebody's e-mail address."""

from typing import Any

from django import forms

from tiqqo.core.email_addresses import LONGEST, tidied, validate_email_address


class MailAddressField(forms.EmailField):
    """An address that we can write to; what is wrong with another is said in words."""

    default_validators = [validate_email_address]  # noqa: RUF012  as Django declares it

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The validator says what is too long; the browser stops typing there.
        self.widget.attrs.setdefault("maxlength", str(LONGEST))

    def to_python(self, value: Any) -> str:
        """Tidied before anything looks at it."""
        return super().to_python(tidied(value) if isinstance(value, str) else value) or ""
