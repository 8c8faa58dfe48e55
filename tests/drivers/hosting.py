"""A background driver that knows the counting plugin: ``python -m tests.drivers.hosting RUN --journal URL``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.drivers.zygote import parts_for

from relight.drivers.live.host import main
from relight.journal.locate import open_journal

if __name__ == "__main__":
    if os.environ.get("HOSTING_DIES"):
        sys.exit(3)
    os._exit(main(sys.argv[1:], open_journal=open_journal, parts_for=parts_for, home=lambda: Path("/nonexistent")))
