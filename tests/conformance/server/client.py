"""schemathesis against `concord serve`: whatever is asked, no failure of ours and no answer that the document does not
allow; and a script as people wrote them for IDM."""

import json
import os
import subprocess
import sys
import tempfile

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


def schemathesis(*arguments, checks=ALWAYS):
    """Runs it over the whole document; what it says on the way is told only if something is wrong."""
    # Beside this interpreter, in the environment that was made for this script.
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    command = [
        program, "run", f"{served.url}/openidm/openapi.json",
        "--header", f"Authorization: {served.authorization}",
        "--checks", ",".join(checks),
        "--seed", "7", "--no-color", "--generation-database", "none", "--request-timeout", "20",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory() as folder:
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
    schemathesis("--phases", "examples,coverage")


@check
def anything_goes_in_and_only_what_is_described_comes_out():
    schemathesis("--phases", "fuzzing", "--max-examples", "25", "--mode", "all")


@check
def nothing_is_told_without_credentials():
    schemathesis("--phases", "fuzzing", "--max-examples", "1", "--mode", "positive", checks=["ignored_auth"])


@check
def it_is_still_there_afterwards():
    status, _, document = served.ask("GET", "/openidm/info/ping")
    same((status, document["state"]), (200, "ACTIVE_READY"), "the answer")
    # A connector or a type that a guess made is there like any other; the sandbox's own still works.
    status, _, tests = served.ask("POST", "/openidm/system/hubspot?_action=test")
    same((status, json.dumps(tests.get("ok"))), (200, "true"), "the test of the connector")


run()
