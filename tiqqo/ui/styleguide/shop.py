"""What a buyer chooses from: prices by name, a price of one's own, times, codes."""

from datetime import date, timedelta
from typing import Any

from tiqqo.core.money import Money
from tiqqo.ui.styleguide.basics import DOORS

_TIMES = (
    ("on_sale", 30),
    ("on_sale", 4),
    ("on_sale", 18),
    ("sold_out", 0),
    ("paused", 9),
    ("on_sale", None),
)


def context() -> dict[str, Any]:
    return {
        "picks": [
            _pick("p1", "Adult", 1885, quantity=2),
            _pick("p2", "Student, with a card of this year", 967, was=1199),
            _pick("p3", "Child", 0),
        ],
        "own_price": {
            "input_name": "own",
            "typed": "15.00",
            "symbol": "€",
            "least": Money(500, "EUR"),
            "is_added_to": True,
            "fee_fixed_minor": 49,
            "fee_rate_bp": 200,
            "tax_rate_bp": 0,
        },
        "group_facts": ["Lets in 5 people", "At least 2 per order"],
        "slots": _slots(),
        "good_code": {"typed": "EARLY", "words": "20% off, from 2 tickets", "is_applied": True},
        "bad_code": {"typed": "EARLI", "error": "We do not know the code EARLI."},
    }


def _pick(name: str, label: str, minor: int, *, was: int = 0, quantity: int = 0) -> dict[str, Any]:
    return {
        "input_name": name,
        "label": label,
        "full_name": f"Day ticket · {label}",
        "price": Money(minor, "EUR"),
        "was": Money(was, "EUR") if was else None,
        "quantity": quantity,
        "most": 10,
    }


def _slots() -> dict[str, Any]:
    days = [
        {
            "day": date(2026, 12, 12) + timedelta(days=number),
            "at": DOORS + timedelta(days=number),
            "query": f"day={number}",
            "is_shown": number == 1,
            "is_full": number == 3,
        }
        for number in range(5)
    ]
    times = [
        {
            "slot": {"code": f"T{number}", "starts_at": DOORS + timedelta(minutes=15 * number)},
            "state": state,
            "left": left,
            "few_left": left == 4,
            "is_open": state == "on_sale",
            "is_chosen": number == 1,
        }
        for number, (state, left) in enumerate(_TIMES)
    ]
    return {"days": days, "later": days[0], "shown": days[1], "times": times}
