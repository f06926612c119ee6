"""Messages that wait for the next page of whoever caused them, in a cookie of theirs."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage


class HostCookieStorage(CookieStorage):
    """Django's, under a name that settings decide."""

    cookie_name = settings.MESSAGES_COOKIE_NAME
