"""Singer as people run it: tap-hubspot into target-sqlite, each in its own environment, the state kept for the next run."""

import json
import os
import subprocess
import sys
from pathlib import Path

from shelf import arguments

here, (url, token, folder) = Path(__file__).parent, arguments()
tap = subprocess.Popen(
    [sys.executable, str(here / "hubspot_tap.py"), url, token, folder],
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
)
target = subprocess.Popen(
    [os.environ["BENCH_TARGET_PYTHON"], str(here / "hubspot_target.py"), folder],
    stdin=tap.stdout,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
)
tap.stdout.close()
states = target.communicate()[0].strip().splitlines()
if tap.wait() != 0 or target.returncode != 0 or not states:
    sys.exit(f"the tap ended with {tap.returncode}, the target with {target.returncode}")
json.loads(states[-1])
(Path(folder) / "state.json").write_text(states[-1])
