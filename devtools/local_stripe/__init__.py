"""A local, stateful Stripe for development and tests.

The real ``stripe`` client talks to it over HTTP. It is `localstripe` (a development dependency) extended from
outside with what that lacks: Checkout Sessions, the hosted card page, idempotency keys, signed webhooks that are
retried, and controls for tests. PaymentIntents, charges, refunds, balance transactions, events and every other
``/v1`` resource are localstripe's own objects; `payments` specialises the few that a Checkout Session creates.

    python -m devtools.local_stripe --port 12111 --data-dir var/stripe \
        --webhook-url http://127.0.0.1:8000/webhooks/stripe --webhook-secret whsec_local

Modules: `bridge` (every touch of localstripe's internals), `requests` (errors and parameters as Stripe has them),
`cards`, `payments`, `sessions`, `events`, `idempotency`, `pages`, `controls`, `server`.
"""
