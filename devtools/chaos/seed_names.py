"""Who can sign in at the seeded sales: known to those who visit and to `seed`, which needs Django."""

OWNER = "owner@example.org"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of an installation that lives for minutes
