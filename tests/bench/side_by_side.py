"""Concord and others at the same work against our sandboxes, in one run: `cargo xtask bench` starts this.

`side_by_side.py SIZES LATENCIES OTHERS`: numbers of records and milliseconds with commas between, and the keys of the others
that take part, also with commas. Each measurement is a process of its own, whose wall clock, processor time and peak of memory
the system tells; the sandbox counts its calls. A line of JSON per measurement goes to stdout.
"""

import sys
import tempfile

from measure import measured
from others import ONE_BY_ONE, SIDE_BY_SIDE, environment, there
from scene import HUBSPOT_IN, HUBSPOT_OUT, SALESFORCE_IN, Concord, Scene

# A user of Salesforce is a licence: tens of thousands are many.
MOST_USERS = 10_000

# What nobody measured would wait for.
UNLIMITED = {"permitsPerSecond": 100_000}


def concord(scene, mapping, folder):
    tool = Concord(folder)
    tool.connect("crm", scene, **UNLIMITED)
    tool.map(mapping)
    name = mapping["name"]
    tool.recon(scene, "full import", name)
    tool.recon(scene, "unchanged", name)
    scene.change_some()
    # It also begins to follow the changes of the source.
    tool.recon(scene, "1 % changed", name, "--incremental")
    tool.recon(scene, "incremental, none", name, "--incremental")
    scene.change_some()
    tool.recon(scene, "incremental, 1 %", name, "--incremental")
    return tool


def other(scene, peer):
    """One of the others, run once for each phase over a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for phase in peer.phases:
            if phase.endswith(("1 %", "1 % changed")):
                scene.change_some()
            scene.reset()
            ended = measured(peer.command(scene, folder), environment(), peer.said(folder))
            ids = peer.ids(folder)
            scene.tell(peer.name, phase, ended.cost, len(ids))
            # Salesforce brings users of its own beside those that it was given.
            there = scene.records if scene.system == "hubspot" else len(scene.each("Id"))
            if phase == "full import" and len(set(ids)) != there:
                raise RuntimeError(f"{peer.name} holds {len(set(ids))} records of {there}")
            peer.keep_state(folder)


def main():
    sizes, latencies = ([int(number) for number in list_.split(",")] for list_ in sys.argv[1:3])
    peers = [peer for peer in there(SIDE_BY_SIDE) if peer.name in sys.argv[3].split(",")]
    for latency in latencies:
        for system, mapping in (("hubspot", HUBSPOT_IN), ("salesforce", SALESFORCE_IN)):
            for records in sizes:
                if system == "salesforce" and records > MOST_USERS:
                    continue
                scene = Scene(system, records, latency)
                with tempfile.TemporaryDirectory() as folder:
                    tool = concord(scene, mapping, folder)
                    if system == "hubspot":
                        empty = Scene(system, records, latency, empty=True)
                        tool.connect("other", empty, **UNLIMITED)
                        tool.map(HUBSPOT_OUT)
                        tool.recon(empty, "outbound", HUBSPOT_OUT["name"])
                        empty.end()
                for peer in peers:
                    if peer.system == system and peer is not ONE_BY_ONE and records <= peer.most:
                        other(scene, peer)
                scene.end()
            few = Scene(system, min(*sizes, ONE_BY_ONE.most), latency)
            # One call per record: so many are enough to know what one costs, and more would take hours at 50 ms.
            if system == "hubspot" and ONE_BY_ONE in peers:
                other(few, ONE_BY_ONE)
            few.end()


main()
