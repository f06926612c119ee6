"""What this app announces, after the commit. Receivers only enqueue; nothing depends on them."""

from django.dispatch import Signal

# Somebody in a waitlist's line has news that they should be told: sends `entry_id`,
# `organiser_id`.
line_moved = Signal()
