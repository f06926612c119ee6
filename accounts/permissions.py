"""Who may do what: one table. What is not listed is refused."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("Manager")
    ORDERS_DESK = "orders_desk", _("Orders desk")
    MARKETING = "marketing", _("Marketing")
    FINANCE = "finance", _("Finance")
    SCANNER = "scanner", _("Scanner")
    VIEWER = "viewer", _("Viewer")


class Permission(models.TextChoices):
    VIEW_EVENTS = "view_events", _("See events and their set-up")
    EDIT_EVENTS = "edit_events", _("Create, edit and publish events, tickets and prices")
    VIEW_ORDERS = "view_orders", _("See orders, tickets and people")
    MANAGE_ORDERS = "manage_orders", _("Settle, resend and cancel orders")
    SCAN = "scan", _("Let people in at the door")
    VIEW_FINANCE = "view_finance", _("See payments, balance and payouts")
    VIEW_AUDIENCE = "view_audience", _("See contacts and campaigns")
    MANAGE_TEAM = "manage_team", _("Invite people and change their roles")
    MANAGE_ORGANISER = "manage_organiser", _("Change the organiser's settings")


_READING = {Permission.VIEW_EVENTS, Permission.VIEW_ORDERS}

PERMISSIONS_OF: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.MANAGER: frozenset(
        {*_READING, Permission.EDIT_EVENTS, Permission.MANAGE_ORDERS, Permission.SCAN}
    ),
    Role.ORDERS_DESK: frozenset({*_READING, Permission.MANAGE_ORDERS, Permission.SCAN}),
    Role.MARKETING: frozenset({Permission.VIEW_EVENTS, Permission.VIEW_AUDIENCE}),
    Role.FINANCE: frozenset({*_READING, Permission.VIEW_FINANCE}),
    Role.SCANNER: frozenset({Permission.SCAN}),
    Role.VIEWER: frozenset(_READING),
}

ROLE_HINTS: dict[Role, Promise] = {
    Role.OWNER: _("Everything, and the only one who can make other owners."),
    Role.ADMIN: _("Everything except making owners."),
    Role.MANAGER: _("Events, tickets, orders and the door."),
    Role.ORDERS_DESK: _("Orders, people and the door."),
    Role.MARKETING: _("Events and the audience."),
    Role.FINANCE: _("Orders, payments and payouts."),
    Role.SCANNER: _("The scan page and nothing else."),
    Role.VIEWER: _("Looks, changes nothing."),
}


def may(role: str, permission: Permission) -> bool:
    return permission in PERMISSIONS_OF.get(Role(role), frozenset())
