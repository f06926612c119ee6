"""Measures the product as it runs in production; `docs/performance.md` says what each figure means."""
