"""How close to a provider's limit: a HubSpot account that takes 190 calls in ten seconds and answers after 150 ms.

`limit.py RECORDS OTHERS`, both as in side_by_side.py. The limit is what the account allows over the time that was taken; what it
refuses is counted.
"""

import sys
import tempfile

from measure import measured
from others import SCRIPT, environment, there
from scene import HUBSPOT_IN, Concord, Scene

LATENCY = 150


def main():
    records, names = int(sys.argv[1]), sys.argv[2].split(",")
    scene = Scene("hubspot", records, LATENCY, "--limits", "professional")
    with tempfile.TemporaryDirectory() as folder:
        tool = Concord(folder)
        # The account tells how many calls it takes, so that nobody has to enter it.
        tool.connect("crm", scene)
        tool.map(HUBSPOT_IN)
        for phase in ("full import", "unchanged"):
            tool.recon(scene, phase, HUBSPOT_IN["name"])
    if SCRIPT in there([SCRIPT]) and SCRIPT.name in names:
        with tempfile.TemporaryDirectory() as folder:
            scene.reset()
            ended = measured(SCRIPT.command(scene, folder), environment(), SCRIPT.said(folder))
            scene.tell(SCRIPT.name, "full import", ended.cost, len(SCRIPT.ids(folder)))
    scene.end()


main()
