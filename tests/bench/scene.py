"""A sandbox with records in it, and Concord at work on it."""

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from checks import Sandbox  # noqa: E402
from measure import measured  # noqa: E402

# One record in so many changes between two runs.
CHANGED = 100

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

# Records in a page of a list and in one call of writes.
PAGE = {"hubspot": 100, "salesforce": 2_000}
WRITES = {"hubspot": 100, "salesforce": 200}
SEARCHED = 200


class Scene:
    """One system with so many records and so much latency."""

    def __init__(self, system, records, latency, *options, empty=False):
        self.system, self.records, self.latency = system, records, latency
        arguments = ["--records", str(0 if empty else records), "--latency", str(latency), "--seed", "11"]
        self.sandbox = Sandbox(system, *arguments, *options)
        atexit.register(self.sandbox.end)
        self.url, self.token = self.sandbox.url, self.sandbox.about["accessToken"]
        self.kind = "contacts" if system == "hubspot" else "User"
        self.rounds = 0

    def tell(self, who, phase, cost, done):
        line = {"system": self.system, "who": who, "phase": phase, "records": self.records, "latency": self.latency}
        line |= {**cost, "calls": self.calls(), "least": self.least(phase), "refused": self.refused(), "done": done}
        print(json.dumps(line), flush=True)

    def least(self, phase):
        """The fewest calls possible: full pages of what has to be read, full batches of what has to be written."""
        pages = -(-self.records // PAGE[self.system])
        if phase == "outbound":
            # One page shows that the other system is empty.
            return -(-self.records // WRITES[self.system]) + 1
        if phase == "incremental, none":
            return 1
        if phase == "incremental, 1 %":
            return max(1, -(-self.records // CHANGED // SEARCHED)) if self.system == "hubspot" else 1
        return pages

    def calls(self):
        if self.system == "hubspot":
            return self.sandbox.control("GET", "state")["callCount"]
        return self.sandbox.control("GET", "calls")["count"]

    def refused(self):
        """Calls over a limit; the Salesforce sandbox has none here."""
        if self.system != "hubspot":
            return 0
        return sum(call["status"] == 429 for call in self.sandbox.control("GET", "state")["calls"])

    def reset(self):
        self.sandbox.control("POST", "reset-calls")

    def each(self, field):
        """A value of every record, by its id."""
        after, values = "0", {}
        while True:
            page = self.sandbox.control("GET", f"{self.kind}?limit=1000&after={after}")["results"]
            if not page:
                return values
            for record in page:
                after = record.get("id") or record.get("Id")
                values[after] = record.get("properties", record).get(field)

    def change_some(self):
        """Changes one record in a hundred, as people in the CRM do, and says how many."""
        self.rounds += 1
        field = "lastname" if self.system == "hubspot" else "LastName"
        chosen = list(self.each(field))[CHANGED - 1 :: CHANGED]
        for number, key in enumerate(chosen):
            self.sandbox.control("POST", f"{self.kind}/{key}", {field: f"Changed {self.rounds} {number}"})
        return len(chosen)

    def end(self):
        self.sandbox.end()


class Concord:
    """The command over a data folder of its own."""

    def __init__(self, folder):
        self.environment = dict(os.environ, CONCORD_DATA_DIR=folder, CONCORD_PASSPHRASE="a passphrase for the bench")
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def line(self, *words):
        return [os.environ["CONCORD_BIN"], "--json", *words]

    def ask(self, *words, given=None):
        """What a command prints; it must succeed."""
        text = json.dumps(given) if given is not None else None
        asked = subprocess.run(self.line(*words), input=text, text=True, capture_output=True, env=self.environment)
        if asked.returncode != 0:
            raise RuntimeError(f"`concord {' '.join(words)}` ended with {asked.returncode}: {asked.stderr.strip()}")
        return asked.stdout

    def connect(self, name, scene, **properties):
        if scene.system == "hubspot":
            connector, own = HUBSPOT_CONNECTOR, {"accessToken": scene.token, "apiBaseUrl": scene.url}
        else:
            connector = SALESFORCE_CONNECTOR
            own = {
                "accessToken": scene.token,
                "instanceUrl": scene.url,
                "loginUrl": f"{scene.url}/services/oauth2/token",
            }
        document = {"name": name, "connectorRef": {"connectorName": connector}}
        self.ask("connector", "add", "-", given={**document, "configurationProperties": {**own, **properties}})

    def map(self, mapping):
        self.ask("mapping", "add", "-", given=mapping)

    def recon(self, scene, phase, mapping, *more):
        """Carries a run out, tells what it cost, and gives its summary."""
        scene.reset()
        ended = measured(self.line("recon", mapping, *more), self.environment)
        summary = json.loads(ended.line)
        target = summary["progress"]["target"]
        scene.tell("Concord", phase, ended.cost, target["created"] + target["updated"])
        return summary

    def mails(self):
        """The address of every user."""
        listed = json.loads(self.ask("user", "list", "--fields", "mail", "--limit", "1000000"))
        return [user.get("mail") for user in listed["result"]]
