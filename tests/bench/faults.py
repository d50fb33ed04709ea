"""What Concord and the others make of a system that misbehaves: the rows of faults.json, one after the other.

`faults.py RECORDS OTHERS`, both as in side_by_side.py. Every row's fault hits the list of contacts from its page in
the middle on. Concord meets each twice: when it imports, and when it compares what it has linked, with a policy that deletes
whoever is missing. A line of JSON per row and program goes to stdout:

- `whole`: all records are there, once, and it ended well.
- `silentLoss`: records are missing, and it ended as if all were well; for Concord also a user who was deleted.
- `duplicates`: records that are there more than once.
- `endless`: it went on calling long after everything could have been read, and was ended.
- `foreign`: calls to a host that nobody named.
"""

import copy
import json
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from measure import run
from others import UNDER_FAULTS, environment, there
from scene import HUBSPOT_IN, PAGE, Concord, Scene

# Whoever asks ten times for everything will not end by itself.
ENDLESS = 10
# A machine that is busy with other things is not an endless loop.
LONGEST_SECONDS = 600
# Only reads of the contacts themselves are hit.
HIT = {"method": "GET", "path": "*objects*/contact*"}

MAPPING = copy.deepcopy(HUBSPOT_IN)
MAPPING["policies"] += [
    {"situation": "SOURCE_MISSING", "action": "DELETE"},
    {"situation": "UNQUALIFIED", "action": "DELETE"},
]


class Foreign(BaseHTTPRequestHandler):
    """Another host, which answers with an empty page."""

    calls = 0

    def do_GET(self):
        Foreign.calls += 1
        body = b'{"results": []}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Row:
    """One fault, and the system that has it."""

    def __init__(self, scene, row, foreign):
        self.scene, self.name = scene, row["name"]
        middle = scene.records // PAGE[scene.system] // 2
        text = json.dumps([{**HIT, "nth": middle, **fault} for fault in row["faults"]])
        self.faults = json.loads(text.replace("FOREIGN", foreign))

    def carry_out(self, who, command, surroundings, said, ids, harm=False):
        """Runs a program under the fault and tells what came of it."""
        scene, calls_of_all = self.scene, -(-self.scene.records // PAGE[self.scene.system])
        scene.sandbox.misbehave(*self.faults)
        scene.reset()
        before, began = Foreign.calls, time.monotonic()
        watch = CallWatch(scene, calls_of_all * ENDLESS)
        ended = run(command, surroundings, said, seconds=LONGEST_SECONDS, quiet=True, stop=watch.too_many)
        scene.sandbox.misbehave()
        wanted, held = ids()
        missing = len(wanted - set(held))
        line = {
            "fault": self.name,
            "who": who,
            "code": ended.code,
            "seconds": round(time.monotonic() - began, 1),
            "calls": scene.calls(),
            "records": len(wanted),
            "missing": missing,
            "silentLoss": missing if harm or ended.code == 0 else 0,
            "duplicates": len(held) - len(set(held)),
            "endless": watch.exceeded,
            "late": not ended.in_time and not watch.exceeded,
            "foreign": Foreign.calls - before,
        }
        print(json.dumps(line), flush=True)


class CallWatch:
    """Looks at the count of calls now and then."""

    def __init__(self, scene, most):
        self.scene, self.most, self.exceeded = scene, most, False

    def too_many(self):
        self.exceeded = self.exceeded or self.scene.calls() > self.most
        return self.exceeded


def concord(row, mails):
    """Imports under the fault, ends the import without it, and compares under the fault."""
    with tempfile.TemporaryDirectory() as folder:
        tool = Concord(folder)
        tool.connect("crm", row.scene, permitsPerSecond=100_000)
        tool.map(MAPPING)
        recon = tool.line("recon", MAPPING["name"])
        said = Path(folder) / "said"
        row.carry_out("Concord, import", recon, tool.environment, said, lambda: (mails, tool.mails()))
        tool.ask("recon", MAPPING["name"])
        held = tool.mails()
        if sorted(held) != sorted(mails):
            raise RuntimeError(f"after `{row.name}` and a run without it, Concord holds {len(held)} of {len(mails)}")
        row.carry_out("Concord, recon", recon, tool.environment, said, lambda: (mails, tool.mails()), harm=True)


def other(row, peer, ids):
    with tempfile.TemporaryDirectory() as folder:
        command = peer.command(row.scene, folder)
        row.carry_out(peer.name, command, environment(), peer.said(folder), lambda: (ids, peer.ids(folder)))


def main():
    records, names = int(sys.argv[1]), sys.argv[2].split(",")
    rows = json.loads(Path(__file__).with_name("faults.json").read_text())["rows"]
    host = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    foreign = f"http://localhost:{host.server_port}"
    scene = Scene("hubspot", records, 0)
    mails = scene.each("email")
    for document in rows:
        row = Row(scene, document, foreign)
        concord(row, {mail for mail in mails.values() if mail})
        for peer in there(UNDER_FAULTS):
            if peer.name in names:
                other(row, peer, set(mails))
    scene.end()
    host.shutdown()


main()
