from tests.pages import at_kikker, in_kikker_shop, pages

__all__ = ["at_kikker", "in_kikker_shop", "pages"]
