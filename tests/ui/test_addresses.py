"""Which e-mail addresses a form takes."""

import pytest
from django.core.exceptions import ValidationError

from tiqqo.ui.addresses import MailAddressField


@pytest.mark.parametrize(
    "address",
    ["a@example.org", "first.last+tag@sub.example.co.uk", "o'neil@example.org", "a@bücher.example"],
)
def test_addresses_that_mail_reaches(address):
    assert MailAddressField().clean(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "a@localhost",
        "a@[127.0.0.1]",
        "a@[IPv6:::1]",
        "a@127.0.0.1",
        "a@host",
        "a@b",
        "a@example.org\nBcc: b@example.org",
    ],
)
def test_addresses_of_this_machine_and_of_nobody(address):
    with pytest.raises(ValidationError):
        MailAddressField().clean(address)
