"""Tools for developers and tests; nothing here is part of the product."""
