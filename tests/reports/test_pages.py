import pytest

pytestmark = pytest.mark.django_db

@pytest.mark.parametrize("name", ["dashboard:home","dashboard:overview","events:list","events:new","events:first","events:setup","ticketing:tickets","ticketing:inventory","ticketing:capacity","ticketing:new_type","orders:list","orders:new","orders:people","accounts:team","accounts:settings","shop:event","organiser"])
@pytest.mark.parametrize("who", ["at_kikker","at_fjord"])
def test_explore(request, name, who):
    desk = request.getfixturevalue(who)
    with desk.house.scope():
        desk.house.place_free(2)
        o = desk.house.place_invoice(1, by=desk.house.owner)
    desk.get(name)
