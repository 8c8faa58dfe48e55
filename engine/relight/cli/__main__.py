"""``python -m relight.cli`` is ``relight``, where no script is on the path."""

import sys

from relight.cli import main

sys.exit(main())
