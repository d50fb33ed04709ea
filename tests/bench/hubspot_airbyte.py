"""Airbyte's source for HubSpot reads the contacts: its messages go to stdout. With a state it asks for what changed."""

import sys

from built_in_host import lead_to
from shelf import arguments, options

url, token, folder = arguments()
lead_to(url)

from source_hubspot.run import run  # noqa: E402

# Airbyte keeps the schema that was found when the source was set up; a plain object stands for it.
stream = {
    "name": "contacts",
    "json_schema": {"type": "object", "properties": {}},
    "supported_sync_modes": ["full_refresh", "incremental"],
    "source_defined_cursor": True,
    "default_cursor_field": ["updatedAt"],
    "source_defined_primary_key": [["id"]],
}
catalog = {
    "streams": [
        {
            "stream": stream,
            "sync_mode": "incremental",
            "cursor_field": ["updatedAt"],
            "destination_sync_mode": "append_dedup",
            "primary_key": [["id"]],
        }
    ]
}
credentials = {"credentials_title": "Private App Credentials", "access_token": token}
config = {"start_date": "2006-06-01T00:00:00Z", "credentials": credentials, "enable_experimental_streams": False}
sys.argv = ["source-hubspot", "read", *options(folder, "airbyte", config=config, catalog=catalog)]
run()
