"""The recount finds any difference between counters and rows."""

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command

from ticketing.models import CapacityPool, Code, Promotion
from ticketing.operations import reserve_tickets
from ticketing.queries import recount
from ticketing.tasks import verify_inventory
from ticketing.verification import last_verified
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope


@pytest.fixture
def busy(cast):
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            house.reserve(priced=2)
            house.place_free(3)
    return cast


def drift(house, **change):
    with house.scope():
        CapacityPool.objects.filter(release=house.priced).update(**change)


def test_counters_equal_their_rows(busy, capsys):
    call_command("verify_inventory")

    assert capsys.readouterr().out.splitlines()[-1] == "10 pools, 0 differences"
    assert verify_inventory() == 0
    with busy.kikker.scope():
        assert [(c.held, c.rows_held, c.sold, c.rows_sold) for c in recount()] == [
            (2, 2, 3, 3),
            (2, 2, 0, 0),
            (2, 2, 0, 0),
            (0, 0, 3, 3),
            (0, 0, 3, 3),
        ]


@pytest.mark.parametrize(
    "change",
    [{"held": 1}, {"sold": 1}, {"held": 0, "sold": 2}, {"set_aside": 1}, {"waiting": 1}],
)
def test_a_difference_is_found_and_fails_the_command(busy, change, capsys, caplog):
    drift(busy.fjord, **change)

    with pytest.raises(SystemExit) as ended:
        call_command("verify_inventory")

    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.endswith("DIFFERS")] == [
        line for line in out.splitlines() if "Fjord Tech Summit · Full pass · Full pass" in line
    ]
    assert out.splitlines()[-1] == "10 pools, 1 differences"
    assert verify_inventory() == 1
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["inventory.differs"]


def test_one_event_can_be_recounted_alone(busy, capsys):
    drift(busy.fjord, held=0)

    call_command("verify_inventory", event="blauwe-kikker/night-of-the-blue-note")
    assert capsys.readouterr().out.splitlines()[-1] == "5 pools, 0 differences"
    with pytest.raises(SystemExit):
        call_command("verify_inventory", event="fjord-tech/fjord-tech-summit")
    with pytest.raises(CommandError, match="No such event"):
        call_command("verify_inventory", event="fjord-tech/night-of-the-blue-note")


def test_the_recount_keeps_to_its_scope(busy):
    with busy.kikker.scope():
        assert {count.organiser_id for count in recount()} == {busy.kikker.organiser.pk}
    with platform_scope("a test recounts everything"):
        assert len(recount()) == 10


def test_a_code_that_differs_is_found(busy, capsys, caplog):
    house = busy.kikker
    with house.scope():
        promotion = Promotion.objects.create(event=house.event, name="Friends", rate_bp=1000)
        code = Code.objects.create(event=house.event, promotion=promotion, text="FRIEND")
        house.event.refresh_from_db()
        reserve_tickets(house.event, selection={house.priced.code: 1}, code="FRIEND")
    call_command("verify_inventory")
    said = capsys.readouterr().out.splitlines()
    assert said[-2].split() == ["1", "1", "0", "0", "FRIEND"]
    assert said[-1] == "10 pools, 1 codes, 0 differences"

    with house.scope():
        Code.objects.filter(pk=code.pk).update(held=2)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_inventory")
    assert ended.value.code == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-2].split() == ["2", "1", "0", "0", "FRIEND", "DIFFERS"]
    assert verify_inventory() == 1
    assert [r.message for r in caplog.records if r.levelname == "ERROR"] == ["inventory.differs"]


def test_each_run_is_noted_for_its_events(busy):
    cache.delete("ticketing.verified")
    assert last_verified(busy.kikker.event) is None
    drift(busy.fjord, held=0)
    before = clock.now()

    verify_inventory()

    here, there = last_verified(busy.kikker.event), last_verified(busy.fjord.event)
    assert (here.differences, there.differences) == (0, 1)
    assert before <= here.at <= clock.now()
