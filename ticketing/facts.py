"""What this app announces, after the commit. Receivers only enqueue; nothing depends on them."""

from django.dispatch import Signal

# Somebody in a waitlist's line has news that they should be told: sends `entry_id`,
# `organiser_id`.
waitlist_moved = Signal()
# Somebody asked for a place in line and is to confirm it by mail: sends `request_id`, `organiser_id`.
place_requested = Signal()
