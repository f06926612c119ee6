"""`bin/chaos`."""

import sys

from devtools.chaos.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
