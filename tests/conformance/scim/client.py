"""scim2-server, an independent server of SCIM 2.0, as the target of Concord's SCIM connector: the real command makes, reads,
changes and deletes people and groups there, and the server is asked what it has."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from checks import _running, check, run, same

TOKEN = "test-token-1"
PEOPLE = 230
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TEMPLATES = Path(__file__).resolve().parents[3] / "src-tauri/crates/api/templates/scim"
OUT = "managedUser_systemScimUser"
IN = "systemScimUser_managedUser"
WRITES = re.compile(r'"(POST|PUT|PATCH|DELETE) ')


class Server:
    """scim2-server on a free port, until the script ends."""

    def __init__(self, *arguments):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v2"
        self.log = tempfile.NamedTemporaryFile(mode="w+", suffix=".log")
        program = Path(sys.executable).with_name("scim2-server")
        command = [str(program), "--hostname", "127.0.0.1", "--port", str(port), "--bearer-token", TOKEN]
        command += arguments
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        _running.append(self)
        end = time.monotonic() + 30
        while True:
            try:
                self.ask("ServiceProviderConfig")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"scim2-server did not start: {self.said()}") from None

    def ask(self, path):
        """A document of the server."""
        request = urllib.request.Request(f"{self.url}/{path}", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.loads(answer.read())

    def all(self, kind):
        """Everything of a type, by index."""
        found = []
        while True:
            page = self.ask(f"{kind}?startIndex={len(found) + 1}&count=100")
            found += page.get("Resources", [])
            if len(found) >= page["totalResults"]:
                return found

    def user(self, name):
        condition = urllib.parse.quote(f'userName eq "{name}"')
        return self.ask(f"Users?filter={condition}")["Resources"][0]

    def said(self):
        with open(self.log.name) as log:
            return log.read()

    def writes(self):
        """How many requests could have changed something."""
        return len(WRITES.findall(self.said()))

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)


class Concord:
    """The command with a data folder of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.environment = dict(
            os.environ, CONCORD_DATA_DIR=self.folder.name, CONCORD_PASSPHRASE="a passphrase for tests"
        )
        self.environment.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def __call__(self, *arguments, given=None, code=0):
        ended = subprocess.run(
            [os.environ["CONCORD_BIN"], "--json", *arguments],
            input=None if given is None else json.dumps(given),
            capture_output=True,
            text=True,
            env=self.environment,
        )
        if ended.returncode != code:
            raise AssertionError(f"{' '.join(arguments)}: {ended.returncode} {ended.stdout} {ended.stderr}")
        return json.loads(ended.stdout) if ended.stdout else None


def connector(**more):
    properties = {
        "SCIMEndpoint": server.url, "authenticationMethod": "TOKEN", "authToken": TOKEN, "permitsPerSecond": 1000,
    }
    return {
        "name": "scim",
        "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.scim.ScimConnector"},
        "configurationProperties": properties | more,
    }


def template(name):
    """A mapping that comes along, with links of its own; what is gone at its source is deleted."""
    mapping = json.loads((TEMPLATES / f"{name}.json").read_text())
    mapping.pop("links", None)
    for policy in mapping["policies"]:
        if policy["situation"] == "SOURCE_MISSING":
            policy["action"] = "DELETE"
    return mapping


def person(n):
    return {
        "userName": f"person{n}", "givenName": f"Given{n}", "sn": f"Family{n}", "mail": f"person{n}@example.org",
        "telephoneNumber": f"+49 30 {n}", "city": "Berlin", "companyName": "Acme", "title": "Analyst",
    }


def shown(name):
    """What the server has of a person, in the words of the managed user."""
    user = server.user(name)
    return {
        "userName": user["userName"], "givenName": user["name"]["givenName"], "sn": user["name"]["familyName"],
        "mail": next(e["value"] for e in user["emails"] if e.get("primary")),
        "telephoneNumber": next((p["value"] for p in user.get("phoneNumbers", [])), None),
        "city": next((a.get("locality") for a in user.get("addresses", [])), None),
        "companyName": user.get(ENTERPRISE, {}).get("organization"), "title": user.get("title"),
        "active": user.get("active"),
    }


def id_of(name):
    return concord("user", "list", "--filter", f'userName eq "{name}"')["result"][0]["_id"]


def target(run):
    return {name: n for name, n in run["progress"]["target"].items() if isinstance(n, int) and n}


server = Server()
concord = Concord()
PERSON = {**person(7), "active": True}


@check
def the_connection_is_tested_and_its_schema_read():
    concord("connector", "add", "-", given=connector())
    tested = concord("connector", "test", "scim")[0]
    same(tested["ok"], True, tested)
    schema = {a["name"]: a for a in concord("connector", "schema", "scim", "User")["attributes"]}
    for name in [p["target"] for p in template(OUT)["properties"]]:
        assert name in schema, f"{name} is not among {sorted(schema)}"
    same(schema["userName"]["required"], True)
    wrong = connector(authToken="test-token-2")
    wrong["name"] = "wrong"
    concord("connector", "add", "-", given=wrong)
    refusal = concord("connector", "test", "wrong", code=1)[0]["error"]
    assert "does not accept the credentials" in refusal and "test-token-2" not in refusal, refusal
    concord("connector", "remove", "wrong")


@check
def people_arrive_and_a_second_run_writes_nothing():
    # They come from the server itself, by way of a first Concord, so that making them is one run.
    for n in range(1, 4):
        concord("user", "create", "-", given=person(n))
    concord("mapping", "add", "-", given=template(OUT))
    many = Concord()
    many("connector", "add", "-", given=connector())
    made = concord("recon", OUT)
    same(target(made).get("created"), 3, made)
    for n in range(4, PEOPLE + 1):
        body = json.dumps({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"person{n}",
            "name": {"givenName": f"Given{n}", "familyName": f"Family{n}"}, "active": True,
            "emails": [{"value": f"person{n}@example.org"}],
        }).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        request = urllib.request.Request(f"{server.url}/Users", data=body, headers=headers, method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    # Three pages come in, as the server gives them.
    many("mapping", "add", "-", given=template(IN))
    read = many("recon", IN)
    same(target(read).get("created"), PEOPLE, read)
    before = server.writes()
    again = concord("recon", OUT)
    same(target(again).get("unchanged"), 3, again)
    same(target(many("recon", IN)).get("unchanged"), PEOPLE)
    same(server.writes(), before, "writes of runs without changes")


@check
def a_person_is_what_was_sent():
    concord("user", "create", "-", given={**person(1000), "mobilePhone": "+49 171 1"})
    user = server.user("person1000")
    same(shown("person1000"), {**person(1000), "active": True})
    same(user["externalId"], id_of("person1000"))
    same({(p["type"], p["value"]) for p in user["phoneNumbers"]}, {("work", "+49 30 1000"), ("mobile", "+49 171 1")})


def edited(method):
    concord("connector", "add", "-", given=connector(updateMethod=method))
    name = f"edited-{method.lower()}"
    made = concord("user", "create", "-", given={**person(7), "userName": name})
    same(made["sync"][0]["state"], "synced", made)
    before = server.user(name)
    changed = concord(
        "user", "set", made["user"]["_id"], "sn=Berger", "telephoneNumber=", "mobilePhone=+49 171 7", "city=Bonn",
        "mail=new@example.org", "accountStatus=inactive", "title=",
    )
    same(changed["sync"][0]["state"], "synced", changed)
    user = server.user(name)
    expected = {**PERSON, "userName": name, "sn": "Berger", "telephoneNumber": "+49 171 7", "city": "Bonn",
                "mail": "new@example.org", "active": False, "title": None}
    same(shown(name), expected)
    same([(p["type"], p["value"]) for p in user["phoneNumbers"]], [("mobile", "+49 171 7")])
    same((user["id"], user["externalId"]), (before["id"], before["externalId"]))
    writes = server.writes()
    same(target(concord("recon", OUT, "--id", made["user"]["_id"])).get("updated"), None)
    same(server.writes(), writes, "a run over what was just written")
    return name


@check
def a_person_is_changed_by_patch():
    edited("PATCH")


@check
def a_person_is_changed_by_put():
    edited("PUT")
    concord("connector", "add", "-", given=connector())


@check
def what_is_changed_over_there_is_found_and_mended():
    user = server.user("person1")
    body = json.dumps({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "Other"}],
    }).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
    request = urllib.request.Request(f"{server.url}/Users/{user['id']}", data=body, headers=headers, method="PATCH")
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
    same(target(concord("recon", OUT)).get("updated"), 1)
    same(server.user("person1")["title"], "Analyst")


@check
def a_name_that_is_taken_is_linked_and_not_made_twice():
    before = len(server.all("Users"))
    made = concord("user", "create", "-", given=person(50))
    same(made["sync"][0]["state"], "synced", made)
    same(len(server.all("Users")), before)
    same(server.user("person50")["title"], "Analyst")


@check
def a_refused_value_is_told_in_words():
    made = concord("user", "create", "-", given={**person(2000), "mail": "b@example.org", "website": "::no address::"}, code=3)
    words = made["sync"][0]["message"]
    assert "the server refused" in words or "refus" in words, made
    concord("user", "set", made["user"]["_id"], "website=https://example.org/b")
    same(server.user("person2000")["profileUrl"], "https://example.org/b")


@check
def whom_it_means_is_asked_for_by_a_filter():
    made = concord("user", "create", "-", given={**person(4000), "userName": 'o"brien\\ & ann'})
    same(made["sync"][0]["state"], "synced", made)
    asked = urllib.parse.unquote_plus(server.said())
    assert r'filter=userName eq "o\"brien\\ & ann"' in asked, asked[-2000:]
    again = Concord()
    again("connector", "add", "-", given=connector())
    again("mapping", "add", "-", given=template(OUT))
    linked = again("user", "create", "-", given={**person(4000), "userName": 'o"brien\\ & ann'})
    same(linked["sync"][0]["state"], "synced", linked)
    same(sum("brien" in user["userName"] for user in server.all("Users")), 1)


@check
def groups_gain_and_lose_members():
    ids = [server.user(f"person{n}")["id"] for n in (1, 2, 3)]
    groups = Concord()
    groups("connector", "add", "-", given=connector())
    groups("mapping", "add", "-", given={
        "name": "team", "source": "managed/user", "target": "system/scim/Group", "enableSync": True,
        "correlationQuery": [{"linkQualifier": "default", "expressionTree": {"any": ["displayName"]}}],
        "properties": [
            {"source": "userName", "target": "displayName"},
            {"source": "description", "target": "members.value",
             "transform": {"type": "text/javascript", "source": "source ? source.split(' ').sort() : []"}},
        ],
        "policies": template(OUT)["policies"],
    })
    team = groups("user", "create", "-", given={**person(1), "userName": "team", "description": " ".join(ids[:2])})
    same(team["sync"][0]["state"], "synced", team)

    def members():
        group = next(g for g in server.all("Groups") if g["displayName"] == "team")
        return sorted(m["value"] for m in group.get("members", []))

    same(members(), sorted(ids[:2]))
    groups("user", "set", team["user"]["_id"], "description=" + " ".join(ids[1:]))
    same(members(), sorted(ids[1:]))
    writes = server.writes()
    same(target(groups("recon", "team")).get("unchanged"), 1)
    same(server.writes(), writes)
    groups("user", "delete", team["user"]["_id"])
    same([g["displayName"] for g in server.all("Groups")], [])


@check
def people_are_deleted_or_switched_off():
    gone = concord("user", "create", "-", given=person(3000))
    concord("user", "delete", gone["user"]["_id"])
    condition = urllib.parse.quote('userName eq "person3000"')
    same(server.ask(f"Users?filter={condition}")["totalResults"], 0)
    concord("connector", "add", "-", given=connector(userDelete="deactivate"))
    kept = concord("user", "create", "-", given=person(3001))
    concord("user", "delete", kept["user"]["_id"])
    same(server.user("person3001")["active"], False)


def few_attributes(folder):
    """A server that knows of a person little more than the name, and has no extension."""
    schemas = server.ask("Schemas")["Resources"]
    user = next(schema for schema in schemas if schema["id"].endswith("core:2.0:User"))
    kept = {"userName", "name", "emails", "active"}
    user["attributes"] = [a for a in user["attributes"] if a["name"] in kept]
    kind = next(kind for kind in server.ask("ResourceTypes")["Resources"] if kind["name"] == "User")
    kind["schemaExtensions"] = []
    arguments = []
    for option, document in (("--schema", user), ("--resource-type", kind)):
        document.pop("meta", None)
        file = Path(folder, f"{option}.json")
        file.write_text(json.dumps([document]))
        arguments += [option, str(file)]
    return Server(*arguments)


@check
def what_the_server_does_not_have_is_left_out_of_the_ready_mapping():
    with tempfile.TemporaryDirectory() as folder:
        small = few_attributes(folder)
    other = Concord()
    other("connector", "add", "-", given=connector(SCIMEndpoint=small.url, supportedObjectTypes=["User"]))
    other("mapping", "from-template", "scim", OUT)
    targets = [p["target"] for p in other("mapping", "show", OUT)["properties"]]
    same(targets, ["userName", "externalId", "name.givenName", "name.familyName", "emails.primary.value", "active"])
    text = next(m["text"] for m in other("mapping", "templates", "scim") if m["name"] == OUT)
    assert "The system has no displayName" in text and "profileUrl" in text, text
    made = other("user", "create", "-", given=person(1))
    same(made["sync"][0]["state"], "synced", made)
    same(small.user("person1")["name"]["familyName"], "Family1")
    again = other("recon", OUT)
    same(target(again).get("unchanged"), 1, again)


run()
