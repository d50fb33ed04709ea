"""A full load of all contacts into SQLite with dlt's own REST source."""

import os

from shelf import FIELDS, arguments

url, token, folder = arguments()
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["DLT_DATA_DIR"] = folder

import dlt  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

source = rest_api_source(
    {
        "client": {
            "base_url": url,
            "auth": {"type": "bearer", "token": token},
            "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
        },
        "resources": [
            {
                "name": "contacts",
                "primary_key": "id",
                "endpoint": {
                    "path": "crm/v3/objects/contacts",
                    "params": {"limit": 100, "properties": ",".join(FIELDS)},
                    "data_selector": "results",
                },
            }
        ],
    }
)
pipeline = dlt.pipeline(
    "contacts",
    pipelines_dir=folder,
    destination=dlt.destinations.sqlalchemy(f"sqlite:///{folder}/dlt.db"),
    dataset_name="crm",
)
pipeline.run(source, write_disposition="replace")
print(pipeline.last_trace.last_normalize_info.row_counts["contacts"])
