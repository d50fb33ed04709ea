"""Singer's target-sqlite takes messages from stdin into a database; the last state goes to a file.

Its SQLAlchemy is older than Python 3.10, which moved a few names; they are put back where it looks for them.
"""

import collections
import collections.abc
import json
import sys
from pathlib import Path

for name in ("MutableMapping", "MutableSet", "Mapping", "Set", "Sequence", "Callable"):
    setattr(collections, name, getattr(collections.abc, name))

from target_sqlite import main  # noqa: E402

folder = Path(sys.argv[1])
config = folder / "target.json"
config.write_text(json.dumps({"database": str(folder / "singer"), "batch_size": 10_000}))
sys.argv = ["target-sqlite", "--config", str(config)]
main()
