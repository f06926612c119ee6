"""The link with which a contact withdraws consent: it names the contact without showing any id or address.

It is encrypted with a key from SECRET_KEY and works for ever, because a mail is read whenever. A key that
was changed still opens older links while it stands in SECRET_KEY_FALLBACKS.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts.models import Organiser
from people.models import Contact
from tiqqo.core.tenancy import current_organiser_id

_SALT = "people.consent_links"
LONGEST_TOKEN = 200
# What a mail program posts when somebody presses its own "unsubscribe" (RFC 8058).
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


def _cipher() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [
        base64.urlsafe_b64encode(
            salted_hmac(_SALT, "key", secret=secret, algorithm="sha256").digest()
        )
        for secret in secrets
    ]
    return MultiFernet([Fernet(key) for key in keys])


def consent_token(contact: Contact) -> str:
    """What stands in the link."""
    words = f"{contact.organiser_id}:{contact.pk}"
    return _cipher().encrypt(words.encode()).decode().rstrip("=")


def consent_url(contact: Contact, organiser: Organiser) -> str:
    """The page where the contact withdraws; for the header List-Unsubscribe as well (RFC 8058)."""
    path = reverse(
        "consent", kwargs={"organiser_slug": organiser.slug, "token": consent_token(contact)}
    )
    return f"{settings.BASE_URL}{path}"


def contact_of(token: str) -> Contact | None:
    """The contact that the link names, in the current organiser's scope; None for any other text."""
    if len(token) > LONGEST_TOKEN:
        return None
    padded = token + "=" * (-len(token) % 4)
    try:
        words = _cipher().decrypt(padded.encode()).decode()
    except (InvalidToken, ValueError):
        return None
    organiser_id, _colon, contact_id = words.partition(":")
    if organiser_id != str(current_organiser_id()):
        return None
    contact: Contact | None = Contact.objects.filter(pk=int(contact_id), erased_at=None).first()
    return contact


def one_click_headers(url: str) -> dict[str, str]:
    """What a mail that rests on consent carries, so that its reader's program can take it back."""
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "=".join(_ONE_CLICK)}


def is_one_click(request: HttpRequest) -> bool:
    """Whether a mail program asks, which follows no redirection."""
    name, value = _ONE_CLICK
    return request.POST.get(name) == value
