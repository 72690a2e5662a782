"""`python -P -m bough.coordinator <state-folder>`: the coordinator of one repository."""

import sys

from bough.coordinator.daemon.lifecycle import main

sys.exit(main(sys.argv[1]))
