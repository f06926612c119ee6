"""How to sign in at the seeded sales: known to those who visit and to `seed`, which needs Django."""

PASSWORD = "correct horse battery staple"  # noqa: S105 - of an installation that lives for minutes


def owner_of(name: str) -> str:
    """Whoever owns this sale. Each has an own one: who is locked out at one can sign in at the next."""
    return f"owner.{name}@example.org"
