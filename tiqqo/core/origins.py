"""Where a request comes from, as far as it may be remembered: a network, a kind of browser."""

import ipaddress
import re

from django.http import HttpRequest

# What a network is: a neighbourhood, not a household of one.
_PREFIX = {4: 24, 6: 64}
# The first that is named wins: Edge calls itself Chrome as well, and Chrome Safari.
_BROWSERS = (
    ("Edge", "Edg"),
    ("Opera", "OPR/"),
    ("Firefox", "Firefox/"),
    ("Chrome", "Chrome/"),
    ("Chrome", "CriOS/"),
    ("Safari", "Safari/"),
    ("curl", "curl/"),
    ("Python", "python"),
    ("Stripe", "Stripe/"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("macOS", "Mac OS X"),
    ("Linux", "Linux"),
)
_PORT = re.compile(r"^(?:\[(?P<six>[^\]]+)\]|(?P<four>[0-9.]+))(?::\d+)?$")


def network_of(address: str) -> str:
    """The /24 or /64 that the address is in; empty for what is no address."""
    match = _PORT.match(address)
    if match:
        address = match["six"] or match["four"]
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network(f"{found}/{_PREFIX[found.version]}", strict=False))


def agent_of(request: HttpRequest) -> str:
    """Browser and system by name, without versions: "Firefox on Linux"; empty for anything else."""
    said = request.headers.get("User-Agent", "")[:400]
    browser = next((name for name, mark in _BROWSERS if mark in said), "")
    system = next((name for name, mark in _SYSTEMS if mark in said), "")
    return " on ".join(part for part in (browser, system) if part)
