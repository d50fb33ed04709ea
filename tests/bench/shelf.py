"""Where the scripts that read, compare and write keep what they have seen: a table of people in SQLite.

What such scripts do in companies: every record is read, compared with the row by its key, and written where it differs, in
transactions of a page.
"""

import json
import sqlite3
import sys
from pathlib import Path

FIELDS = ("email", "firstname", "lastname", "phone")


def arguments():
    """The sandbox's address, its token, and the folder for the database."""
    return sys.argv[1], sys.argv[2], sys.argv[3]


def options(folder, prefix, **documents):
    """Documents as files in the folder, and a state from an earlier run, as options of a command."""
    folder, words = Path(folder), []
    for name, document in documents.items():
        file = folder / f"{prefix}-{name}.json"
        file.write_text(json.dumps(document))
        words += [f"--{name}", str(file)]
    state = folder / "state.json"
    return [*words, "--state", str(state)] if state.exists() else words


class Shelf:
    def __init__(self, folder):
        self.database = sqlite3.connect(Path(folder) / "people.db")
        self.database.executescript(
            """PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
               CREATE TABLE IF NOT EXISTS person (id TEXT PRIMARY KEY, values_of TEXT NOT NULL)"""
        )
        self.written = 0

    def compare_and_write(self, page):
        """Takes in a page of (id, values); only what differs is written."""
        with self.database:
            for key, values in page:
                text = json.dumps(values, sort_keys=True)
                row = self.database.execute("SELECT values_of FROM person WHERE id = ?", (key,)).fetchone()
                if row is None or row[0] != text:
                    self.database.execute("INSERT OR REPLACE INTO person VALUES (?, ?)", (key, text))
                    self.written += 1

    def end(self):
        """Prints how many records were written."""
        self.database.close()
        print(self.written)
