"""Where the public captures and bodies lie: PLAYBOOK_REAL_DATA, else shared/data beside the checkout."""

import os
from pathlib import Path

DATA = Path(os.environ.get("PLAYBOOK_REAL_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
