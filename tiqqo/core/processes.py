"""How a process of ours settles once it has imported what it needs."""

import gc

# Collecting after so many new objects, instead of 700, suits work that makes many and drops them.
NEW_OBJECTS = 10_000


def settle() -> None:
    """What is there now stays: the collector of cycles looks at what comes later only."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 20)
