"""The code that a ticket's QR carries: short, signed, readable without a network.

Layout: 1 byte format, 8 bytes ticket uid, 1 byte generation, 64 bytes Ed25519 signature (RFC 8032)
by the event's key over the first ten. Written in Base45 (RFC 9285), which a QR stores densely in its
alphanumeric mode, behind the prefix `TQ:`.
"""

import secrets
import struct
from dataclasses import dataclass

import base45
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from orders.models import Ticket

PREFIX = "TQ:"
FORMAT = 1
# What fits in its byte.
LAST_GENERATION = 255
_HEAD = struct.Struct(">BqB")
_SIGNATURE_BYTES = 64


class UnreadableCode(ValueError):
    """Not one of our codes, or a damaged one."""


@dataclass(frozen=True, slots=True)
class TicketCode:
    uid: int
    generation: int
    signed: bytes
    signature: bytes

    def is_signed_by(self, public_key: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(self.signature, self.signed)
        except InvalidSignature:
            return False
        return True


def new_uid() -> int:
    """64 random bits, as PostgreSQL's signed bigint."""
    return secrets.randbits(64) - 2**63


def ticket_code(ticket: Ticket, private_key: bytes) -> str:
    """The text of the ticket's QR."""
    head = _HEAD.pack(FORMAT, ticket.uid, ticket.generation)
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(head)
    encoded: bytes = base45.b45encode(head + signature)
    return PREFIX + encoded.decode()


def read_code(text: str) -> TicketCode:
    """What a scanned text says. Raises UnreadableCode. The signature is not checked yet."""
    if not text.startswith(PREFIX):
        raise UnreadableCode
    try:
        raw = base45.b45decode(text.removeprefix(PREFIX))
    except (ValueError, UnicodeError) as error:
        raise UnreadableCode from error
    if len(raw) != _HEAD.size + _SIGNATURE_BYTES or raw[0] != FORMAT:
        raise UnreadableCode
    _format, uid, generation = _HEAD.unpack_from(raw)
    return TicketCode(uid, generation, raw[: _HEAD.size], raw[_HEAD.size :])
