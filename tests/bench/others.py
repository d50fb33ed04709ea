"""The others: how each is started, and what it holds afterwards.

The environment names the interpreters that `cargo xtask bench` installed them for; one without is left out, and the bench
says why.
"""

import json
import os
import sqlite3
from pathlib import Path

HERE = Path(__file__).parent

EVERY_READ = ("full import", "unchanged", "1 % changed")


class Other:
    """A program that copies the records of a system into a database or a file."""

    def __init__(self, name, system, interpreter, script, phases, most, ids):
        self.name, self.system, self.phases, self.most, self._ids = name, system, phases, most, ids
        self.interpreter, self.script = os.environ.get(interpreter), script

    def command(self, scene, folder):
        return [self.interpreter, str(HERE / self.script), scene.url, scene.token, folder]

    def said(self, folder):
        """Where what it prints goes."""
        return Path(folder) / "messages.jsonl"

    def ids(self, folder):
        """The id of every record that it holds, as often as it holds it."""
        return self._ids(Path(folder))

    def keep_state(self, folder):
        """What Airbyte's platform does after a run: the last state is handed to the next one."""
        if self is AIRBYTE:
            states = [message["state"] for message in messages(Path(folder), "STATE")]
            (Path(folder) / "state.json").write_text(json.dumps(states[-1:]))


def environment():
    """What a peer is started with: nothing of a proxy, no compiled files beside the sources."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return dict(kept, PYTHONDONTWRITEBYTECODE="1", NO_PROXY="*")


def column(database, question):
    if not database.exists():
        return []
    with sqlite3.connect(database) as connection:
        try:
            return [row[0] for row in connection.execute(question)]
        except sqlite3.OperationalError:
            # It stopped before it made its table.
            return []


def on_the_shelf(folder):
    return column(folder / "people.db", "SELECT id FROM person")


def in_a_file(folder):
    file = folder / "people.json"
    return [key for key, _ in json.loads(file.read_text())] if file.exists() else []


def of_dlt(folder):
    return column(folder / "dlt__crm.db", "SELECT id FROM contacts")


def of_singer(folder):
    return column(folder / "singer.db", "SELECT id FROM contacts")


def messages(folder, kind):
    file = folder / "messages.jsonl"
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            # The last line of a program that was ended.
            continue
        if message["type"] == kind:
            yield message


def of_tap(folder):
    return [message["record"]["id"] for message in messages(folder, "RECORD")]


def of_airbyte(folder):
    return [message["record"]["data"]["id"] for message in messages(folder, "RECORD")]


SCRIPT = Other("script", "hubspot", "BENCH_HUBSPOT_PYTHON", "hubspot_script.py", EVERY_READ, 100_000, on_the_shelf)
ONE_BY_ONE = Other(
    "one-by-one", "hubspot", "BENCH_HUBSPOT_PYTHON", "hubspot_one_by_one.py", EVERY_READ[:2], 1_000, on_the_shelf
)
DLT = Other("dlt", "hubspot", "BENCH_DLT_PYTHON", "hubspot_dlt.py", EVERY_READ[:1], 100_000, of_dlt)
SINGER = Other("singer", "hubspot", "BENCH_TAP_PYTHON", "hubspot_singer.py", EVERY_READ, 50_000, of_singer)
# With a state it asks for what changed; it has no other way to look again.
AIRBYTE_PHASES = ("full import", "incremental, none", "incremental, 1 %")
AIRBYTE = Other("airbyte", "hubspot", "BENCH_AIRBYTE_PYTHON", "hubspot_airbyte.py", AIRBYTE_PHASES, 50_000, of_airbyte)
SIMPLE_SALESFORCE = Other(
    "simple-salesforce", "salesforce", "BENCH_SALESFORCE_PYTHON", "salesforce_script.py", EVERY_READ, 10_000, on_the_shelf
)
JSFORCE = Other("jsforce", "salesforce", "BENCH_NODE", "salesforce_script.mjs", EVERY_READ, 10_000, in_a_file)

# The tap without a target: what it hands on under faults is its own doing.
TAP = Other("singer", "hubspot", "BENCH_TAP_PYTHON", "hubspot_tap.py", (), 0, of_tap)

SIDE_BY_SIDE = [SCRIPT, ONE_BY_ONE, DLT, SINGER, AIRBYTE, SIMPLE_SALESFORCE, JSFORCE]
UNDER_FAULTS = [SCRIPT, DLT, TAP, AIRBYTE]


def there(others):
    """Those that are installed."""
    return [other for other in others if other.interpreter]
