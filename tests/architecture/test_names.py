"""Whatever a stranger is called by, in any form of ours, is looked at before it stands in a mail."""

from importlib import import_module

from django import forms

from tiqqo.ui.addresses import MailAddressField
from tiqqo.ui.forms import TiqqoForm
from tiqqo.ui.names import NameField, PersonNameField

MODULES = (
    "accounts.forms",
    "events.forms",
    "orders.forms",
    "orders.waitlist_form",
    "ticketing.forms.allocations",
    "ticketing.forms.codes",
    "ticketing.forms.pools",
    "ticketing.forms.slots",
    "ticketing.forms.tickets",
    "ticketing.forms.waitlist",
)


def fields():
    """(form.field, the field) of every form."""
    for module in map(import_module, MODULES):
        for form in vars(module).values():
            if isinstance(form, type) and issubclass(form, forms.Form) and form is not TiqqoForm:
                for name, field in form.base_fields.items():
                    yield f"{form.__name__}.{name}", field


def test_every_name_refuses_addresses():
    names = {
        where: field
        for where, field in fields()
        if where.rpartition(".")[2].endswith("name") and isinstance(field, forms.CharField)
    }
    assert len(names) > 12

    assert [
        where
        for where, field in names.items()
        if not isinstance(field, NameField | PersonNameField)
    ] == []


def test_every_address_is_one_that_mail_reaches():
    addresses = [(where, f) for where, f in fields() if isinstance(f, forms.EmailField)]
    assert len(addresses) > 4

    assert [where for where, f in addresses if not isinstance(f, MailAddressField)] == []
