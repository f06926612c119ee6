"""What advertisers and mailers append to links, and no page of ours reads.

Each click has words of its own, so a page would be made for each where a mailing sends thousands.
"""

from urllib.parse import parse_qsl

PREFIXES = ("utm_", "gad_", "mc_", "_hs", "mtm_", "pk_")
NAMES = frozenset(
    {
        "dclid",
        "fbclid",
        "gbraid",
        "gclid",
        "igsh",
        "igshid",
        "li_fat_id",
        "mkt_tok",
        "msclkid",
        "srsltid",
        "ttclid",
        "twclid",
        "wbraid",
        "yclid",
    }
)
# Longer than any that they append.
LONGEST = 2000


def is_only_tracking(query_string: str) -> bool:
    """Whether the address asks for nothing but the page."""
    if len(query_string) > LONGEST:
        return False
    return all(
        name in NAMES or name.startswith(PREFIXES)
        for name, _value in parse_qsl(query_string, keep_blank_values=True)
    )
