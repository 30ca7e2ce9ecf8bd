"""The harness is plain scripts: they find each other here, and are no tests themselves."""

import sys
from pathlib import Path

collect_ignore = ["compare.py", "names.py", "run.py", "samples.py", "table.py"]
sys.path.insert(0, str(Path(__file__).parent))
