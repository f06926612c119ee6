"""Who may do what, as one table: a change of the rules is a change of this file."""

import pytest

from accounts.models import Membership
from accounts.permissions import ROLE_HINTS, Permission, Role, may
from tiqqo.core.errors import NotPermitted

GOLDEN = """
                  owner admin manager orders_desk marketing finance scanner viewer
view_events       yes   yes   yes     yes         yes       yes     -       yes
edit_events       yes   yes   yes     -           -         -       -       -
view_orders       yes   yes   yes     yes         -         yes     -       yes
manage_orders     yes   yes   yes     yes         -         -       -       -
scan              yes   yes   yes     yes         -         -       yes     -
view_finance      yes   yes   -       -           -         yes     -       -
view_audience     yes   yes   -       -           yes       -       -       -
manage_team       yes   yes   -       -           -         -       -       -
manage_organiser  yes   yes   -       -           -         -       -       -
"""


def test_every_role_may_what_the_table_says():
    head, *rows = [line.split() for line in GOLDEN.strip().splitlines()]

    assert head == [role.value for role in Role]
    assert [row[0] for row in rows] == [permission.value for permission in Permission]
    for name, *cells in rows:
        for role, cell in zip(head, cells, strict=True):
            assert may(role, Permission(name)) == (cell == "yes"), (role, name)


def test_every_role_is_explained():
    assert set(ROLE_HINTS) == set(Role)


def test_require_refuses_what_the_role_does_not_allow():
    scanner = Membership(organiser_id=1, role=Role.SCANNER)

    scanner.require(Permission.SCAN)
    with pytest.raises(NotPermitted):
        scanner.require(Permission.VIEW_ORDERS)


def test_an_unknown_role_may_nothing():
    with pytest.raises(ValueError, match="janitor"):
        may("janitor", Permission.SCAN)
