"""allauth's forms in our words: one name for an e-mail address, and no text inside empty fields."""

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.passwords import refuse_names


class OurWords(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            if name in ("login", "email"):
                field.label = _("E-mail address")
            elif name == "remember":
                field.label = _("Keep me signed in on this device")


class SignIn(OurWords, allauth.LoginForm):
    pass


class SignUp(OurWords, allauth.SignupForm):
    """The page links the platform's own notices, where there are some."""

    @property
    def privacy_url(self) -> str:
        return str(settings.PRIVACY_URL)

    @property
    def terms_url(self) -> str:
        return str(settings.TERMS_URL)

    def clean(self) -> dict[str, Any]:
        """Nobody is known by the organisation's name yet, so it is asked of the form."""
        cleaned: dict[str, Any] = super().clean() or {}
        names = [cleaned.get("name") or "", cleaned.get("organiser_name") or ""]
        if password := cleaned.get("password1"):
            try:
                refuse_names(password, names)
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return cleaned

    def try_save(self, request: HttpRequest) -> Any:
        """Nothing is made for an address that has an account, and the answer takes as long all the same:
        most of the time goes into the hash of the password."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class AddAddress(OurWords, allauth.AddEmailForm):
    pass


class ChangePassword(OurWords, allauth.ChangePasswordForm):
    pass


class ResetPassword(OurWords, allauth.ResetPasswordForm):
    pass


class NewPassword(OurWords, allauth.ResetPasswordKeyForm):
    pass
