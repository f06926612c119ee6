"""Why a backup, a restore or an upgrade stopped."""


class Stopped(Exception):
    """It did not happen; the message says why and what to do. Nothing that was there is lost."""
