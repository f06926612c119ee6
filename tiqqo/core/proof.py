"""A client shows that it is in earnest: by work that its browser does in a second, or by waiting.

Asked of those who take much; bots pay for each try, people hardly notice. The work is ALTCHA's
(docs/decisions/0027). Whoever has no JavaScript waits instead, and may do so seldom. Each proof counts
once and for one thing only.
"""

import json
from datetime import UTC, timedelta
from secrets import token_urlsafe

import altcha
from django.conf import settings
from django.core import signing

from tiqqo.core import clock
from tiqqo.core.limits import Limit, TooManyRequests

ALGORITHM = "SHA-256"
# Rounds of each of some 256 tries: a second on a phone.
COST = 500
GOOD_FOR = timedelta(minutes=10)
WAIT_SECONDS = 20
SALT = "core.proof"

USED = Limit("proof-used", count=1, seconds=int(GOOD_FOR.total_seconds()))
WAITED = Limit("proof-waited", count=3, seconds=600)


def work_for(thing: str) -> str:
    """Work to do for this thing, as the widget takes it."""
    challenge = altcha.create_challenge(
        ALGORITHM,
        COST,
        data={"for": thing},
        expires_at=clock.now().astimezone(UTC) + GOOD_FOR,
        hmac_secret=_secret(),
    )
    return json.dumps(challenge.to_dict())


def has_worked(solution: str, thing: str) -> bool:
    """Whether this is what the work for the thing came to, and it was not shown before."""
    try:
        payload = altcha.Payload.from_base64(solution)
        is_right = (
            altcha.verify_solution(payload, _secret()).verified
            and (payload.challenge.parameters.data or {}).get("for") == thing
        )
    # It was made by a stranger, and the library does not say what it raises for what is none.
    except Exception:  # noqa: BLE001
        return False
    return is_right and _is_first(str(payload.challenge.signature))


def wait_for(thing: str) -> str:
    """A word that is good for the thing once WAIT_SECONDS have passed."""
    return signing.TimestampSigner(salt=SALT).sign(f"{thing} {token_urlsafe(9)}")


def has_waited(word: str, thing: str, client: str) -> bool:
    """Whether the client got the word for this thing long enough ago, and waits seldom."""
    signer = signing.TimestampSigner(salt=SALT)
    try:
        said = signer.unsign(word, max_age=GOOD_FOR)
    except signing.BadSignature:
        return False
    try:
        signer.unsign(word, max_age=WAIT_SECONDS)
    except signing.SignatureExpired:
        pass
    else:
        return False
    if said.partition(" ")[0] != thing or not _is_first(word):
        return False
    try:
        WAITED.spend(client)
    except TooManyRequests:
        return False
    return True


def _is_first(proof: str) -> bool:
    try:
        USED.spend(proof)
    except TooManyRequests:
        return False
    return True


def _secret() -> str:
    return f"{SALT}:{settings.SECRET_KEY}"
