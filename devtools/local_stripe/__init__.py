"""A local, stateful Stripe for development and tests.

The real ``stripe`` client talks to it over HTTP. It is `localstripe` (a development dependency) extended from
outside with what that lacks: Checkout Sessions, the hosted card page, refunds that are pending or fail, disputes,
delayed payment methods, idempotency keys, signed webhooks that are retried, and controls for tests. PaymentIntents,
charges, balance transactions, events and every other ``/v1`` resource are localstripe's own objects; `payments`
specialises the few that a Checkout Session creates. What it imitates is Stripe's documentation, which each module
names; it knows nothing of the product.

    python -m devtools.local_stripe --port 12111 --data-dir var/stripe \
        --webhook-url http://127.0.0.1:8000/webhooks/stripe --webhook-secret whsec_local

Modules:
`bridge` (every touch of localstripe's internals, and the clock), `server` (the routes),
`errors`, `requests`, `lists` and `idempotency` (how the API is spoken),
`money` (currencies and limits), `cards` (the test cards), `balance` (movements),
`sessions`, `payments`, `refunds`, `disputes`, `later` (what happens by itself), `events` (webhooks),
`pages` (the hosted page), `controls`, `dashboard`, `faults` and `books` (for tests).
"""
