"""Concord and others at the same work against our sandboxes, in one run: `cargo xtask bench` starts this.

Each measurement is a process of its own, whose wall clock, processor time and peak of memory the system tells; the sandbox
counts its calls. A line of JSON per measurement goes to stdout. The environment names the programs: CONCORD_BIN, and
BENCH_HUBSPOT_PYTHON, BENCH_DLT_PYTHON, BENCH_SALESFORCE_PYTHON and BENCH_NODE for the peers; a peer without one is left out.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from checks import Sandbox  # noqa: E402

# One record in so many changes between two runs.
CHANGED = 100
# One call per record: so many are enough to know what one costs, and more would take hours at 50 ms.
ONE_BY_ONE = 1_000
# The peers that take minutes for what others do in seconds are not asked for more.
MOST_OF_SLOW_PEERS = 100_000

HUBSPOT_CONNECTOR = "org.forgerock.openicf.connectors.hubspot.HubspotConnector"
SALESFORCE_CONNECTOR = "org.forgerock.openicf.connectors.salesforce.SalesforceConnector"

HUBSPOT_IN = {
    "name": "contacts",
    "source": "system/crm/contact",
    "target": "managed/user",
    "sourceCondition": "/source/email pr",
    "correlationQuery": {"expressionTree": {"any": ["mail"]}},
    "properties": [
        {"source": "email", "target": "userName", "setOn": "create"},
        {"source": "email", "target": "mail"},
        {"source": "firstname", "target": "givenName", "default": "-"},
        {"source": "lastname", "target": "sn", "default": "-"},
        {"source": "phone", "target": "telephoneNumber"},
    ],
    "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}],
}
HUBSPOT_OUT = {
    "name": "onward",
    "source": "managed/user",
    "target": "system/other/contact",
    "enableSync": False,
    "correlationQuery": {"expressionTree": {"any": ["email"]}},
    "properties": [
        {"source": "mail", "target": "email"},
        {"source": "givenName", "target": "firstname"},
        {"source": "sn", "target": "lastname"},
        {"source": "telephoneNumber", "target": "phone"},
    ],
    "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}],
}
SALESFORCE_IN = {
    "name": "users",
    "source": "system/crm/User",
    "target": "managed/user",
    "correlationQuery": {"expressionTree": {"any": ["userName"]}},
    "properties": [
        {"source": "Username", "target": "userName"},
        {"source": "Email", "target": "mail"},
        {"source": "FirstName", "target": "givenName", "default": "-"},
        {"source": "LastName", "target": "sn", "default": "-"},
        {"source": "Phone", "target": "telephoneNumber"},
    ],
    "policies": [{"situation": "UNASSIGNED", "action": "IGNORE"}],
}


def measured(command, environment, stdin=None):
    """What a process cost, and the last line that it printed."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().decode().strip().splitlines()
    if process.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} {command[1:]} ended with {process.returncode}")
    cost = {
        "seconds": seconds,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peakKib": usage.ru_maxrss,
    }
    return cost, lines[-1] if lines else ""


class Scene:
    """One system with so many records and so much latency."""

    def __init__(self, system, records, latency, empty=False):
        self.system, self.records, self.latency = system, records, latency
        arguments = ["--records", str(0 if empty else records), "--latency", str(latency), "--seed", "11"]
        self.sandbox = Sandbox(system, *arguments)
        self.url, self.token = self.sandbox.url, self.sandbox.about["accessToken"]
        self.kind = "contacts" if system == "hubspot" else "User"
        self.rounds = 0

    def tell(self, who, phase, cost, calls, done):
        line = {"system": self.system, "who": who, "phase": phase, "records": self.records}
        print(json.dumps({**line, "latency": self.latency, **cost, "calls": calls, "done": done}), flush=True)

    def calls(self):
        if self.system == "hubspot":
            return self.sandbox.control("GET", "state")["callCount"]
        return self.sandbox.control("GET", "calls")["count"]

    def reset(self):
        self.sandbox.control("POST", "reset-calls")

    def change_some(self):
        """Changes one record in a hundred, as people in the CRM do."""
        self.rounds += 1
        field = "lastname" if self.system == "hubspot" else "LastName"
        after, seen, changed = "0", 0, 0
        while True:
            page = self.sandbox.control("GET", f"{self.kind}?limit=1000&after={after}")["results"]
            if not page:
                return changed
            for record in page:
                seen += 1
                after = record.get("id") or record.get("Id")
                if seen % CHANGED == 0:
                    body = {field: f"Changed {self.rounds} {seen}"}
                    self.sandbox.control("POST", f"{self.kind}/{after}", body)
                    changed += 1

    def end(self):
        self.sandbox.end()


class Concord:
    """The command over a data folder of its own."""

    def __init__(self, folder):
        self.environment = dict(os.environ, CONCORD_DATA_DIR=folder, CONCORD_PASSPHRASE="a passphrase for the bench")
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def add(self, what, document):
        command = [os.environ["CONCORD_BIN"], what, "add", "-"]
        added = subprocess.run(
            command, input=json.dumps(document), text=True, capture_output=True, env=self.environment
        )
        if added.returncode != 0:
            raise RuntimeError(f"the {what} was not added: {added.stderr.strip()}")

    def connect(self, name, scene):
        if scene.system == "hubspot":
            connector, properties = HUBSPOT_CONNECTOR, {"accessToken": scene.token, "apiBaseUrl": scene.url}
        else:
            connector = SALESFORCE_CONNECTOR
            properties = {
                "accessToken": scene.token,
                "instanceUrl": scene.url,
                "loginUrl": f"{scene.url}/services/oauth2/token",
            }
        properties["permitsPerSecond"] = 100_000
        document = {"name": name, "connectorRef": {"connectorName": connector}, "configurationProperties": properties}
        self.add("connector", document)

    def recon(self, scene, phase, mapping, *more):
        scene.reset()
        command = [os.environ["CONCORD_BIN"], "--json", "recon", mapping, *more]
        cost, line = measured(command, self.environment)
        target = json.loads(line)["progress"]["target"]
        scene.tell("Concord", phase, cost, scene.calls(), target["created"] + target["updated"])


def concord(scene, mapping, folder):
    tool = Concord(folder)
    tool.connect("crm", scene)
    tool.add("mapping", mapping)
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


def peer(scene, who, command, phases=("full import", "unchanged", "1 % changed")):
    """A peer's script with a database file of its own, run once for each phase."""
    with tempfile.TemporaryDirectory() as folder:
        for phase in phases:
            if phase == "1 % changed":
                scene.change_some()
            scene.reset()
            environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
            cost, line = measured([*command, scene.url, scene.token, folder], environment)
            scene.tell(who, phase, cost, scene.calls(), int(line or 0))


def hubspot(records, latency):
    scene = Scene("hubspot", records, latency)
    with tempfile.TemporaryDirectory() as folder:
        tool = concord(scene, HUBSPOT_IN, folder)
        other = Scene("hubspot", records, latency, empty=True)
        tool.connect("other", other)
        tool.add("mapping", HUBSPOT_OUT)
        tool.recon(other, "outbound", "onward")
        other.end()
    if python := os.environ.get("BENCH_HUBSPOT_PYTHON"):
        if records <= MOST_OF_SLOW_PEERS:
            peer(scene, "hubspot-api-client script", [python, str(HERE / "hubspot_script.py")])
        if records == min(records, 10_000):
            few = Scene("hubspot", min(records, ONE_BY_ONE), latency)
            command = [python, str(HERE / "hubspot_one_by_one.py")]
            peer(few, "one call per record", command, ("full import", "unchanged"))
            few.end()
    if (python := os.environ.get("BENCH_DLT_PYTHON")) and records <= MOST_OF_SLOW_PEERS:
        peer(scene, "dlt", [python, str(HERE / "hubspot_dlt.py")], ("full import",))
    scene.end()


def salesforce(records, latency):
    scene = Scene("salesforce", records, latency)
    with tempfile.TemporaryDirectory() as folder:
        concord(scene, SALESFORCE_IN, folder)
    if python := os.environ.get("BENCH_SALESFORCE_PYTHON"):
        peer(scene, "simple-salesforce script", [python, str(HERE / "salesforce_script.py")])
    if node := os.environ.get("BENCH_NODE"):
        peer(scene, "jsforce script", [node, str(HERE / "salesforce_script.mjs")])
    scene.end()


def main():
    sizes, latencies = ([int(number) for number in list_.split(",")] for list_ in sys.argv[1:3])
    for latency in latencies:
        for records in sizes:
            hubspot(records, latency)
            # A user of Salesforce is a licence: tens of thousands are many.
            if records <= 10_000:
                salesforce(records, latency)


main()
