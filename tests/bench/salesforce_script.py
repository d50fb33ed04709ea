"""Reads all users with simple-salesforce, compares and writes what differs."""

from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from shelf import Shelf, arguments
from simple_salesforce import Salesforce

FIELDS = ("Username", "Email", "FirstName", "LastName", "Phone")

url, token, folder = arguments()
host = urlsplit(url).netloc


class OverHttp(HTTPAdapter):
    """The client insists on https; the sandbox is on this machine and has no certificate."""

    def send(self, request, **options):
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=host).geturl()
        return super().send(request, **options)


session = requests.Session()
session.trust_env = False
session.mount("https://", OverHttp())
client = Salesforce(instance=host, session_id=token, session=session, version="66.0")
shelf = Shelf(folder)
page = client.query(f"SELECT Id, {', '.join(FIELDS)} FROM User")
while True:
    shelf.compare_and_write((one["Id"], {name: one[name] for name in FIELDS}) for one in page["records"])
    if page["done"]:
        break
    page = client.query_more(page["nextRecordsUrl"], identifier_is_url=True)
shelf.end()
