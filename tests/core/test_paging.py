"""Lists in pages by key: each row once, in order, whatever is the same in two of them."""

import pytest

from accounts.models import User
from tiqqo.core import paging
from tiqqo.core.paging import page_after

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(monkeypatch):
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    names = ["Cem", "Ada", "Ada", "Bo", "Ada"]
    return [
        User.objects.create_user(name=name, email=f"{number}@example.org", password="x")
        for number, name in enumerate(names)
    ]


def of(people):
    return User.objects.filter(pk__in=[person.pk for person in people])


def pages(people, order, keys=None):
    found, after = [], None
    while True:
        page = page_after(of(people), order, after)
        found.append([(row.name, row.pk) for row in page.rows])
        if page.last is None:
            return found
        after = {key: getattr(page.last, key) for key in keys} if keys else page.last


@pytest.mark.parametrize("keys", [None, ["name", "pk"]])
def test_every_row_is_on_one_page_in_order(people, keys):
    cem, ada, ada2, bo, ada3 = [person.pk for person in people]

    assert pages(people, ["name", "-pk"], keys) == [
        [("Ada", ada3), ("Ada", ada2)],
        [("Ada", ada), ("Bo", bo)],
        [("Cem", cem)],
    ]


def test_a_page_that_is_just_full_is_the_last(people):
    four = of(people).exclude(pk=people[-1].pk)

    page = page_after(four, ["pk"], people[1])

    assert [row.pk for row in page.rows] == [people[2].pk, people[3].pk]
    assert (page.last, page.next_id) == (None, 0)


def test_a_row_that_is_gone_moves_no_other(people):
    first = page_after(of(people), ["pk"], None)
    after = {"pk": first.next_id}
    others = of(people).exclude(pk=first.next_id)

    page = page_after(others, ["pk"], after)

    assert [row.pk for row in page.rows] == [people[2].pk, people[3].pk]
