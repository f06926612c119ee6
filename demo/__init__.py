"""Demo data: two organisers with a past, a present and a future, made by the real operations."""
