"""Who asks: the address that a request comes from, as every limit and record counts it."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
UNKNOWN = "0.0.0.0"  # noqa: S104  no address to listen at, but the one that nobody has

# What one customer of a provider has, and what one office or street of them has.
CLIENT_PREFIX = {4: 32, 6: 64}
NETWORK_PREFIX = {4: 24, 6: 48}


def address_of(request: HttpRequest) -> str:
    """The client's IP address.

    It is the peer's, unless the peer is one of TRUSTED_PROXIES. Of what those wrote into
    X-Forwarded-For the last address that is no trusted proxy counts: what stands before it, a
    stranger may have written.
    """
    known: str | None = getattr(request, "_client_address", None)
    if known is None:
        known = _address_behind(
            request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", "")
        )
        request._client_address = known  # type: ignore[attr-defined]  # noqa: SLF001  asked for again and again
    return known


def client_of(request: HttpRequest) -> str:
    """Whom a limit counts: the address; of IPv6 its /64, of which one customer has all."""
    return _prefix_of(address_of(request), CLIENT_PREFIX)


def client_behind(peer: str, forwarded: str) -> str:
    """The same for a request that is no Django request yet: its peer, and its X-Forwarded-For."""
    return _prefix_of(_address_behind(peer, forwarded), CLIENT_PREFIX)


def network_of(request: HttpRequest) -> str:
    """Where the client is: the /24 of its address, of IPv6 the /48."""
    return _prefix_of(address_of(request), NETWORK_PREFIX)


def _address_behind(peer: str, forwarded: str) -> str:
    address = _parsed(peer)
    if address is None:
        return UNKNOWN
    hops = [word for word in forwarded.split(",") if word.strip()]
    while hops and _is_trusted(address):
        before = _parsed(hops.pop())
        if before is None:
            break
        address = before
    return str(address)


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: bare, in brackets, with a port; IPv4 within IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _prefix_of(address: str, lengths: dict[int, int]) -> str:
    whole = ip_address(address)
    rest = whole.max_prefixlen - lengths[whole.version]
    return str(type(whole)(int(whole) >> rest << rest)) if rest else address
