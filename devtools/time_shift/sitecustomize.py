"""Every Python process that finds this on its path lives at another time: see devtools/screens.py."""

import os
import sys

# Where it hides one of the system, that one has nothing to do here.
if shift := os.environ.get("TIQQO_SHIFT_SECONDS"):
    try:
        import time_machine
    except ImportError:  # another Python than ours
        sys.exit("time-machine is missing")
    import time

    time_machine.travel(time.time() + float(shift), tick=True).start()
