"""Public shop, checkout, the buyer's own pages, the orders desk, the provider's webhook."""
