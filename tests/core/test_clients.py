"""The address that a request comes from: proxies that are trusted, and strangers who pretend."""

from ipaddress import ip_network

import pytest

from tiqqo.core.clients import address_of, client_of, network_of

PROXY = "10.0.0.7"


@pytest.fixture
def asked(rf, settings):
    """The address of a request from this peer with this X-Forwarded-For."""
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]

    def ask(peer, forwarded=None, of=address_of):
        headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
        return of(rf.get("/", REMOTE_ADDR=peer, **headers))

    return ask


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        (PROXY, None, PROXY),
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        (PROXY, "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        (PROXY, "10.1.1.1, 10.9.9.9", "10.1.1.1"),
        (PROXY, "198.51.100.1:4711", "198.51.100.1"),
        (PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, "::ffff:198.51.100.1", "198.51.100.1"),
        ("fd00::1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        (PROXY, "evil, 198.51.100.1", "198.51.100.1"),
        (PROXY, "198.51.100.1, evil", PROXY),
        (PROXY, " , ,", PROXY),
        ("", "198.51.100.1", "0.0.0.0"),
        ("unix:", "198.51.100.1", "0.0.0.0"),
    ],
)
def test_the_last_address_that_is_no_trusted_proxy_counts(asked, peer, forwarded, address):
    assert asked(peer, forwarded) == address


def test_a_customer_of_ipv6_is_one_client_whatever_address_they_take(asked):
    assert asked("2001:db8:1:2:aaaa::1", of=client_of) == "2001:db8:1:2::"
    assert asked("2001:db8:1:2:bbbb::9", of=client_of) == "2001:db8:1:2::"
    assert asked("2001:db8:1:3::1", of=client_of) != "2001:db8:1:2::"
    assert asked("203.0.113.9", of=client_of) == "203.0.113.9"


def test_a_network_is_the_street_of_a_client(asked):
    assert asked("203.0.113.9", of=network_of) == "203.0.113.0"
    assert asked("2001:db8:1:2::1", of=network_of) == "2001:db8:1::"
