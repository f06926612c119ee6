"""Who can sign in to the demo."""

from dataclasses import dataclass

from accounts.permissions import Role

PASSWORD = "violet-stub-27"


@dataclass(frozen=True, slots=True)
class Login:
    email: str
    name: str
    organiser: str
    role: Role


LOGINS = [
    Login("ana@example.com", "Ana de Wit", "blauwe-kikker", Role.OWNER),
    Login("sam@example.com", "Sam Okafor", "blauwe-kikker", Role.SCANNER),
    Login("bo@example.com", "Bo Lindqvist", "fjord-tech", Role.OWNER),
    Login("dag@example.com", "Dag Holm", "fjord-tech", Role.ORDERS_DESK),
    Login("freja@example.com", "Freja Madsen", "fjord-tech", Role.FINANCE),
    Login("eva@example.com", "Eva Toft", "fjord-tech", Role.SCANNER),
]
