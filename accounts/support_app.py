"""The app of the support tool: Django's admin with a site of our own."""

from django.contrib.admin.apps import AdminConfig


class SupportConfig(AdminConfig):
    """Stands in INSTALLED_APPS in place of `django.contrib.admin`."""

    default_site = "accounts.support_site.SupportSite"
