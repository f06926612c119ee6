"""Movements of the provider's balance: https://docs.stripe.com/api/balance_transactions."""

from __future__ import annotations

from typing import Any

from localstripe import resources  # type: ignore[import-untyped]

from . import bridge


class Movement(resources.BalanceTransaction):  # type: ignore[misc]
    """One movement: pending until it settles, with the fee already taken off."""

    def __init__(
        self,
        *,
        amount: int,
        currency: str,
        description: str | None,
        type: str,
        source: str,
        reporting_category: str | None = None,
        fee: int = 0,
        fee_description: str = "Stripe processing fees",
        settles_in: int = 0,
    ) -> None:
        # Its initialiser knows charges and refunds only, so that of a stored object is called instead.
        bridge.StripeObject.__init__(self)
        self.amount = amount
        self.available_on = self.created + settles_in
        self.balance_type = "payments"
        self.currency = currency
        self.description = description
        self.exchange_rate = None
        self.fee = fee
        self.fee_details: list[dict[str, Any]] = []
        self.reporting_category = reporting_category or type
        self.source = source
        self.type = type
        if fee:
            self.fee_details = [
                {
                    "amount": fee,
                    "application": None,
                    "currency": currency,
                    "description": fee_description,
                    "type": "stripe_fee",
                }
            ]

    def _export(self, expand: list[str] | None = None) -> dict[str, Any]:
        exported: dict[str, Any] = super()._export()
        exported["status"] = "pending" if self.available_on > bridge.now() else "available"
        return bridge.expanded(exported, expand)
