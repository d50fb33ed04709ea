"""Reads all contacts with hubspot-api-client, compares and writes what differs."""

from hubspot import HubSpot
from shelf import FIELDS, Shelf, arguments

url, token, folder = arguments()
contacts = HubSpot(access_token=token, host=url).crm.contacts
shelf = Shelf(folder)
after = None
while True:
    page = contacts.basic_api.get_page(limit=100, after=after, properties=list(FIELDS))
    shelf.compare_and_write((one.id, {name: one.properties.get(name) for name in FIELDS}) for one in page.results)
    if page.paging is None:
        break
    after = page.paging.next.after
shelf.end()
