"""`concord serve` for the conformance scripts: the real program over a fresh data folder, with a sandbox behind it.

With CONCORD_SERVER_URL, CONCORD_SERVER_USER, CONCORD_SERVER_PASSWORD and CONCORD_SERVER_TOKEN (for SCIM) in the environment,
a server that runs already is used instead.
"""

import base64
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request

from checks import Sandbox, _running


class Served:
    """A server until the script ends."""

    def __init__(self, records=0):
        self.process = None
        if "CONCORD_SERVER_URL" in os.environ:
            self.url = os.environ["CONCORD_SERVER_URL"].rstrip("/").removesuffix("/openidm")
            self.user = os.environ.get("CONCORD_SERVER_USER", "openidm-admin")
            self.password = os.environ["CONCORD_SERVER_PASSWORD"]
            return
        self.folder = tempfile.TemporaryDirectory()
        environment = dict(os.environ, CONCORD_DATA_DIR=self.folder.name, CONCORD_PASSPHRASE="a passphrase for tests")
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.environment = environment
        command = [os.environ["CONCORD_BIN"], "--json", "serve", "--addr", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=environment
        )
        _running.append(self)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("concord serve did not start")
        about = json.loads(line)
        self.url = about["url"].removesuffix("/openidm")
        self.user, self.password = about["user"], about["password"]
        if records:
            self._connect(Sandbox("hubspot", "--records", str(records)))

    def _connect(self, sandbox):
        self.ask(
            "PUT",
            "/openidm/config/provisioner.openicf/hubspot",
            {
                "connectorRef": {"connectorName": "org.forgerock.openicf.connectors.hubspot.HubspotConnector"},
                "configurationProperties": {
                    "accessToken": sandbox.about["accessToken"],
                    "apiBaseUrl": sandbox.url,
                    "permitsPerSecond": 200,
                },
            },
        )
        self.ask(
            "PUT",
            "/openidm/config/mapping/systemHubspotContact_managedUser",
            {
                "source": "system/hubspot/contact",
                "target": "managed/user",
                "sourceCondition": "/source/email pr",
                "properties": [
                    {"source": "email", "target": "userName"},
                    {"source": "email", "target": "mail"},
                    {"source": "firstname", "target": "givenName", "default": "-"},
                    {"source": "lastname", "target": "sn", "default": "-"},
                ],
            },
        )

    @property
    def authorization(self):
        """The value of the header that signs the administrator in."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def scim_token(self, name, profile="generic"):
        """Makes a bearer token for SCIM, beside the running server."""
        if not self.process:
            return os.environ["CONCORD_SERVER_TOKEN"]
        command = [os.environ["CONCORD_BIN"], "--json", "scim-token", "create", name, "--profile", profile]
        made = subprocess.run(command, capture_output=True, text=True, env=self.environment, check=True)
        return json.loads(made.stdout)["token"]

    def ask(self, method, path, body=None, **headers):
        """Asks and gives the status, the headers and the document."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Authorization", self.authorization)
        request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            answer = opener.open(request)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None

    def end(self):
        """Stops the program."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
