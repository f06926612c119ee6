"""Invented buyers, the same in every run."""

from random import Random

from orders.operations import Buyer

_FIRST = (
    "Noor Daan Emma Lucas Sofie Milan Julia Sem Tess Finn Lotte Bram Fatima Youssef Mila Thijs"
    " Astrid Lars Ingrid Mikkel Freja Oskar Signe Emil Aino Elias Maja Jonas Priya Wei Amara Kofi"
).split()
_LAST = (
    "Jansen Bakker Visser Smit Mulder Bos Vos Dekker Hendriks Kok Haddad Nguyen Hansen Nielsen"
    " Jensen Larsen Berg Lund Dahl Eriksson Virtanen Korhonen Olsen Holm Rao Chen Mensah Silva"
).split()
COMPANIES = [
    "Nordlys Software ApS",
    "Havn Logistics A/S",
    "Kvist & Co",
    "Bølge Energi",
    "Tindra Health AB",
    "Fjellvegg AS",
    "Saga Robotics Oy",
    "Lumen Bank",
    "Skov Data ApS",
    "Polarlab AB",
]


def buyer(random: Random, *, company: str = "") -> Buyer:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    number = random.randrange(1000)
    return Buyer(
        first_name=first,
        last_name=last,
        email=f"{first}.{last}{number}@example.org".lower(),
        company_name=company,
    )


def attendee(random: Random) -> tuple[str, str]:
    return random.choice(_FIRST), random.choice(_LAST)
