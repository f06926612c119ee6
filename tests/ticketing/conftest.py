from tests.lock_order import lock_order
from tests.pages import at_fjord, at_kikker, expect_queries, in_fjord_shop, in_kikker_shop, pages

__all__ = [
    "at_fjord",
    "at_kikker",
    "expect_queries",
    "in_fjord_shop",
    "in_kikker_shop",
    "lock_order",
    "pages",
]
