"""A refusal is told in the words of the domain, whoever asks."""

import json

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails
from lxml import html

from tiqqo.core.errors import Busy, DomainError, Invalid, NotPermitted
from tiqqo.core.middleware import DomainErrors, RequestContext
from tiqqo.core.tenancy import NOTHING, _entered, current_scope, tenant_scope


@pytest.fixture
def asked():
    def ask(error, **headers):
        request = RequestFactory().get("/", headers=headers)
        request.htmx = HtmxDetails(request)
        return DomainErrors(lambda request: None).process_exception(request, error)

    return ask


def test_scripts_get_a_problem(asked):
    response = asked(NotPermitted(), accept="application/json")

    assert response.status_code == 403
    assert response["content-type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "type": "not_permitted",
        "title": "Your role does not allow this. Ask an owner of the organiser for access.",
        "status": 403,
    }


def test_htmx_gets_an_alert_in_its_place(asked):
    response = asked(Invalid("Too <small>."), **{"HX-Request": "true"})

    assert response.status_code == 422
    assert (response["HX-Retarget"], response["HX-Reswap"]) == ("#alerts", "innerHTML")
    assert "Too &lt;small&gt;." in response.content.decode()
    assert "<html" not in response.content.decode()


def test_people_get_a_page(asked, db):
    response = asked(DomainError())

    assert response.status_code == 409
    assert "That is not possible right now." in response.content.decode()
    assert "<html" in response.content.decode()


def test_a_busy_database_asks_people_to_send_the_same_again():
    request = RequestFactory().post(
        "/x/?a=1", {"name": "<Ana>", "many": ["1", "2"], "password1": "p"}
    )
    response = DomainErrors(lambda request: None).process_exception(
        request, OperationalError("canceling statement due to lock timeout")
    )

    assert (response.status_code, response["Retry-After"]) == (503, "2")
    page = html.fromstring(response.content.decode())
    [form] = page.forms
    assert (form.method, form.action) == ("POST", "/x/?a=1")
    assert form.form_values() == [("name", "<Ana>"), ("many", "1"), ("many", "2")]


def test_a_busy_database_tells_scripts_and_htmx_too(asked):
    problem = asked(OperationalError("deadlock detected"), accept="application/json")
    part = asked(OperationalError("deadlock detected"), **{"HX-Request": "true"})

    assert (problem.status_code, json.loads(problem.content)["type"]) == (503, "busy")
    assert (part.status_code, part["HX-Retarget"]) == (503, "#alerts")


def test_a_busy_database_is_one_line_and_its_traceback_comes_once_a_minute(caplog, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("tiqqo.core.middleware.time.monotonic", lambda: now[0])
    middleware = DomainErrors(lambda request: None)

    for second in (0, 1, 59, 61):
        now[0] = 1000.0 + second
        request = RequestFactory().post("/x/", headers={"accept": "application/json"})
        middleware.process_exception(request, OperationalError("no lock\nCONTEXT: a row"))

    lines = [record for record in caplog.records if record.message == "database.busy"]
    assert [bool(line.exc_info) for line in lines] == [True, False, False, True]
    assert {line.why for line in lines} == {"no lock"}


def test_whoever_is_turned_away_is_told_when_to_come_again(asked):
    response = asked(Busy(), accept="application/json")

    assert (response.status_code, response["Retry-After"]) == (503, "2")


def test_other_errors_are_not_ours(asked):
    assert asked(ValueError("broken")) is None


def test_no_scope_survives_a_request():
    seen = []

    def view(request):
        seen.append(current_scope())
        _entered(_scope(8)).__enter__()

    with tenant_scope(7):
        RequestContext(view)(RequestFactory().get("/"))
        assert current_scope() == _scope(7)

    assert seen == [NOTHING]
    assert current_scope() == NOTHING


def _scope(organiser_id):
    with tenant_scope(organiser_id):
        return current_scope()


@pytest.mark.django_db
def test_an_address_with_nul_is_not_found(client):
    assert client.get("/some/event/checkout/%00/").status_code == 404
