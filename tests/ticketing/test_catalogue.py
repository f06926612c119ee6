"""What an event offers is remembered by each process, within bounds."""

import pytest

from tests.cast import TicketTypeFactory
from ticketing import catalogue
from ticketing.catalogue import catalogue_of
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db


def test_of_more_rows_than_may_be_remembered_the_largest_event_is_forgotten(cast, monkeypatch):
    """An organiser makes one event after the other with tens of thousands of times."""
    for number in range(5):
        TicketTypeFactory(event=cast.kikker.event, name=f"Seat {number}", by=cast.kikker.owner)
    cast.kikker.event.refresh_from_db()
    houses = {"small": cast.fjord, "large": cast.kikker}
    rows = {}
    for name, house in houses.items():
        with tenant_scope(house.organiser):
            rows[name] = catalogue_of(house.event).rows
    assert rows["large"] > rows["small"]
    catalogue.forget_catalogues()
    monkeypatch.setattr(catalogue, "CACHED_ROWS", rows["large"])

    for house in (cast.fjord, cast.kikker, cast.fjord):
        with tenant_scope(house.organiser):
            catalogue_of(house.event)

    assert list(catalogue._cache) == [cast.fjord.event.pk]
