"""The way of connectors that know one object at a time: the list gives ids, and each record is a call of its own."""

from hubspot import HubSpot
from shelf import FIELDS, Shelf, arguments

url, token, folder = arguments()
contacts = HubSpot(access_token=token, host=url).crm.contacts
shelf = Shelf(folder)
after = None
while True:
    page = contacts.basic_api.get_page(limit=100, after=after, properties=["email"])
    for listed in page.results:
        one = contacts.basic_api.get_by_id(listed.id, properties=list(FIELDS))
        shelf.compare_and_write([(one.id, {name: one.properties.get(name) for name in FIELDS})])
    if page.paging is None:
        break
    after = page.paging.next.after
shelf.end()
