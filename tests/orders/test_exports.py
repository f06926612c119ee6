"""Every file that leaves the dashboard is in the audit log and in the organiser's security log."""

import pytest

from ticketing.operations import create_coded_promotion
from tiqqo.core.models import AuditEntry
from tiqqo.core.security_log import flush


def exports_of(house):
    with house.scope():
        return [
            (entry.subject_id, entry.actor_label, entry.data)
            for entry in AuditEntry.objects.filter(action="export.made").order_by("id")
        ]


@pytest.fixture
def sold(at_fjord):
    with at_fjord.house.scope():
        at_fjord.house.place_free(2)
        at_fjord.house.place_invoice(1)
    return at_fjord


def test_an_export_of_orders_says_who_how_many_and_what_was_asked(sold):
    sold.pages.get(sold.url("orders:csv"))
    sold.pages.get(sold.url("orders:csv"), data={"payment_method": "FREE", "search": "carla@"})

    house = sold.house
    assert exports_of(house) == [
        (house.event.pk, "Bo Jensen", {"what": "orders", "rows": 2, "filter": {}}),
        (
            house.event.pk,
            "Bo Jensen",
            {"what": "orders", "rows": 1, "filter": {"payment_method": "FREE", "search": "…"}},
        ),
    ]


def test_an_export_of_codes_is_on_record(sold):
    house = sold.house
    with house.scope():
        promotion = create_coded_promotion(
            house.event,
            name="Friends",
            kind="percent",
            rate_bp=1000,
            text="FRIEND",
            uses_limit=None,
            by=house.owner,
        )

    sold.pages.get(sold.url("ticketing:codes_csv", promotion_id=promotion.pk))

    told = {"what": "codes", "rows": 1, "filter": {"promotion": str(promotion.pk)}}
    assert exports_of(house) == [(house.event.pk, "Bo Jensen", told)]


def test_badges_are_on_record_once_they_leave(sold, queue, committing):
    url = sold.url("orders:badges")
    with committing():
        sold.pages.get(url, status=202)
    assert exports_of(sold.house) == []

    assert queue.work(committing) == []
    sold.pages.get(url)

    [(_event, who, told)] = exports_of(sold.house)
    assert (who, told) == ("Bo Jensen", {"what": "badges", "rows": 2, "filter": {}})


def test_the_organiser_sees_who_exported(sold):
    sold.pages.get(sold.url("orders:csv"), data={"search": "carla@example.org"})
    flush()

    page = sold.get("accounts:security", {"topic": "exports"})

    [row] = page.rows
    text = " ".join(row)
    assert "Data exported" in text
    assert "Bo Jensen" in text
    assert "orders" in text
    assert "carla" not in text


def test_a_look_at_the_list_is_no_export(sold):
    sold.get("orders:list")
    sold.get("orders:people")

    assert exports_of(sold.house) == []
