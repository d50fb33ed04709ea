"""schemathesis against `concord serve`: whatever is asked, no failure of ours and no answer that the document does not
allow; a script as people wrote them for IDM; and SCIM as scim2-tester and scim-sanity want it."""

import json
import os
import subprocess
import sys
import tempfile

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from checks import check, run, same
from served import Served

served = Served(records=20)

# What has to hold for every answer, whatever was asked.
ALWAYS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
]


# Names of what is there, so that guesses get further than "there is no such thing".
KNOWN = """
[[operations]]
include-path-regex = "^/openidm/(managed|policy)"
parameters = { "path.type" = "user" }

[[operations]]
include-path-regex = "^/openidm/(managed|policy)/.*id"
parameters = { "path.type" = "user", "path.id" = "ann" }

[[operations]]
include-path-regex = "^/openidm/system/.*type"
parameters = { "path.name" = "hubspot", "path.type" = "contact" }
"""


def schemathesis(*arguments, checks=ALWAYS):
    """Runs it over the whole document; what it says on the way is told only if something is wrong."""
    person = {"userName": "ann", "givenName": "Ann", "sn": "Lee", "mail": "ann@example.org"}
    status, _, _ = served.ask("PUT", "/openidm/managed/user/ann", person)
    same(status in (200, 201), True, f"a user to be changed is there ({status})")
    # Beside this interpreter, in the environment that was made for this script.
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    command = [
        program, "run", f"{served.url}/openidm/openapi.json",
        "--header", f"Authorization: {served.authorization}",
        "--header", f"X-OpenIDM-Username: {served.user}",
        "--header", f"X-OpenIDM-Password: {served.password}",
        "--checks", ",".join(checks),
        "--seed", "7", "--no-color", "--generation-database", "none", "--request-timeout", "20",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "schemathesis.toml"), "w") as file:
            file.write(KNOWN)
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    if ended.returncode:
        print(ended.stdout[-20000:], ended.stderr[-4000:], file=sys.stderr)
        raise AssertionError(f"schemathesis ended with {ended.returncode}")


@check
def a_script_for_idm_runs():
    status, _, tests = served.ask("POST", "/openidm/system?_action=test")
    same((status, [row["ok"] for row in tests]), (200, [True]), "the test of the connectors")
    recon = "/openidm/recon?_action=recon&mapping=systemHubspotContact_managedUser&waitForCompletion=true"
    status, _, started = served.ask("POST", recon)
    same((status, started["state"]), (200, "SUCCESS"), "the run")
    status, _, summary = served.ask("GET", f"/openidm/recon/{started['_id']}")
    same(status, 200, "the summary")
    status, _, users = served.ask("GET", "/openidm/managed/user?_queryFilter=true&_fields=userName")
    same(users["resultCount"], summary["situationSummary"]["ABSENT"], "users, one for each that was absent")


@check
def examples_and_edges_of_every_operation_are_answered_as_described():
    schemathesis("--phases", "coverage")


@check
def anything_goes_in_and_only_what_is_described_comes_out():
    schemathesis("--phases", "fuzzing", "--max-examples", "25", "--mode", "all")


@check
def nothing_is_told_without_credentials():
    # A wrong password is answered late on purpose, so this asks at three places instead of everywhere.
    places = ["/openidm/managed/{type}/{id}", "/openidm/config", "/openidm/openapi.json"]
    chosen = [word for place in places for word in ("--include-path", place)]
    arguments = ["--phases", "fuzzing", "--max-examples", "1", "--mode", "positive"]
    schemathesis(*arguments, *chosen, checks=["ignored_auth"])


# What scim2-tester and scim-sanity ask of a server with our schemas; fewer means that they did not see all of it.
TESTER_CHECKS = {None: 25, "User": 80, "Group": 15}
SANITY_CHECKS = 28


def scim2_tester(profile):
    """Everything it checks, by the resource type that is checked; discovery has none."""
    headers = {"Authorization": f"Bearer {served.scim_token('tester-' + profile, profile)}"}
    with Client(base_url=f"{served.url}/scim/v2", headers=headers, trust_env=False, timeout=20) as client:
        results = check_server(SyncSCIMClient(client))
    wrong = [f"{r.status.name} {r.title}: {r.reason}" for r in results if r.status != Status.SUCCESS]
    same(wrong, [], f"what scim2-tester finds with the profile {profile}")
    for kind, least in TESTER_CHECKS.items():
        count = sum(1 for r in results if r.resource_type == kind)
        same(count >= least, True, f"at least {least} checks of {kind or 'discovery'}, {count} were made")


@check
def scim2_tester_finds_nothing():
    scim2_tester("generic")


@check
def scim2_tester_finds_nothing_with_the_habits_of_wso2():
    scim2_tester("wso2")


@check
def scim2_tester_finds_nothing_with_the_habits_of_okta():
    scim2_tester("okta")


def scim_sanity(*arguments):
    """Its report; strict, as it is by default."""
    program = os.path.join(os.path.dirname(sys.executable), "scim-sanity")
    command = [program, "probe", f"{served.url}/scim/v2", "--i-accept-side-effects", "--json-output", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(ended.stdout)
    wrong = [f"{r.get('name')}: {r.get('message')}" for r in report["results"] if r.get("status") in ("fail", "error")]
    same(wrong, [], "what scim-sanity finds")
    same((ended.returncode, report["summary"]["failed"], report["summary"]["errors"]), (0, 0, 0), "how it ended")
    passed = report["summary"]["passed"]
    same(passed >= SANITY_CHECKS, True, f"at least {SANITY_CHECKS} of its tests, {passed} passed")


@check
def scim_sanity_finds_nothing_with_a_bearer_token():
    scim_sanity("--token", served.scim_token("sanity"))


@check
def scim_sanity_finds_nothing_with_basic_authentication():
    scim_sanity("--username", served.user, "--password", served.password)


@check
def it_is_still_there_afterwards():
    status, _, document = served.ask("GET", "/openidm/info/ping")
    same((status, document["state"]), (200, "ACTIVE_READY"), "the answer")


run()
