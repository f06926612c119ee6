"""What an event offers is remembered by each process, within bounds."""

import pytest

from tests.cast import TicketTypeFactory
from ticketing import catalogue
from ticketing.catalogue import catalogue_of
from tiqqo.core.tenancy import tenant_scope

pytestmark = pytest.mark.django_db


def test_of_more_rows_than_may_be_remembered_the_largest_event_is_forgotten(cast, monkeypatch):
    """An organiser makes one event after the other with tens of thousands of times."""
    small, large = cast.fjord, cast.kikker
    with tenant_scope(large.organiser):
        for number in range(5):
            TicketTypeFactory(event=large.event, name=f"Seat {number}", by=large.owner)
        large.event.refresh_from_db()
        most = catalogue_of(large.event).rows
    catalogue.forget_catalogues()
    monkeypatch.setattr(catalogue, "CACHED_ROWS", most)

    for house in (small, large, small):
        with tenant_scope(house.organiser):
            assert catalogue_of(house.event).event_id == house.event.pk

    assert list(catalogue._cache) == [small.event.pk]
