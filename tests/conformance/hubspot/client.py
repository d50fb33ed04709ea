"""HubSpot's own client for Python against the HubSpot sandbox."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from hubspot import HubSpot
from hubspot.crm import companies, contacts, owners, properties
from hubspot.oauth import ApiException as OauthException
from hubspot.utils.oauth import get_auth_url
from urllib3.util.retry import Retry

from checks import Sandbox, check, refused, run, same

RECORDS = 250
sandbox = Sandbox("hubspot", "--records", str(RECORDS), "--consent", "allow")
client = HubSpot(access_token=sandbox.about["accessToken"], host=sandbox.url)
people = client.crm.contacts
firms = client.crm.companies


def person(**values):
    """A new contact."""
    return people.basic_api.create(simple_public_object_input_for_create={"properties": values, "associations": []})


def firm(**values):
    """A new company."""
    return firms.basic_api.create(simple_public_object_input_for_create={"properties": values, "associations": []})


def find(**query):
    """A search with what the client wants named."""
    whole = {"filterGroups": [], "sorts": [], "properties": ["email", "firstname"], "limit": 200, "after": "0"}
    return people.search_api.do_search(public_object_search_request=whole | query)


def where(property_name, operator, **rest):
    """A search's filters: one group with one filter."""
    return [{"filters": [{"propertyName": property_name, "operator": operator, **rest}]}]


def body(problem):
    """What HubSpot said with its refusal."""
    return json.loads(problem.body)


@check
def a_list_is_read_page_by_page_to_its_end():
    seen, after, pages = [], None, 0
    while True:
        page = people.basic_api.get_page(limit=100, after=after, properties=["email", "city"])
        seen += [record.id for record in page.results]
        pages += 1
        if page.paging is None:
            break
        after = page.paging.next.after
        same(after, seen[-1], "the cursor is the last id")
    same((len(seen), len(set(seen)), pages), (RECORDS, RECORDS, 3), "records, different ones, pages")
    same(seen, sorted(seen, key=int), "the order")


@check
def get_all_goes_through_every_page():
    same(len(people.get_all(properties=["email"])), RECORDS, "contacts")
    same(len(people.get_all(properties_with_history=["email"])), RECORDS, "contacts, with history in pages of 50")
    same(len(firms.get_all()), RECORDS // 20, "companies")


@check
def a_limit_beyond_a_page_is_refused():
    problem = refused(lambda: people.basic_api.get_page(limit=101), contacts.ApiException)
    same((problem.status, body(problem)["category"]), (400, "VALIDATION_ERROR"))


@check
def a_contact_is_created_read_changed_and_archived():
    made = person(email="py.crud@example.org", firstname="Ann", annual_spend="12.5")
    same(made.properties["email"], "py.crud@example.org")
    same(made.created_at.tzinfo is not None and made.archived is False, True, "dates are dates")
    read = people.basic_api.get_by_id(made.id, properties=["annual_spend", "city"])
    same((read.properties["annual_spend"], read.properties["city"]), ("12.5", None), "numbers are text, nothing is null")
    changed = people.basic_api.update(made.id, {"properties": {"firstname": "", "city": "Here"}})
    same((changed.properties["firstname"], changed.properties["city"]), (None, "Here"), "an empty text clears")
    people.basic_api.archive(made.id)
    problem = refused(lambda: people.basic_api.get_by_id(made.id), contacts.ApiException)
    same(problem.status, 404)
    gone = people.basic_api.get_by_id(made.id, archived=True)
    same((gone.archived, gone.archived_at is not None), (True, True), "it is in the recycle bin")
    same(made.id in [record.id for record in people.get_all(archived=True)], True, "the archived list has it")


@check
def a_contact_is_found_by_its_address_whatever_the_case():
    made = person(email="py.mail@example.org")
    same(people.basic_api.get_by_id("PY.Mail@example.org", id_property="email").id, made.id)
    changed = people.basic_api.update("py.mail@example.org", {"properties": {"city": "There"}}, id_property="email")
    same(changed.id, made.id)


@check
def the_history_of_a_property_says_who_wrote_it():
    made = person(email="py.history@example.org", city="One")
    people.basic_api.update(made.id, {"properties": {"city": "Two"}})
    read = people.basic_api.get_by_id(made.id, properties_with_history=["city"])
    values = [(change.value, change.source_type) for change in read.properties_with_history["city"]]
    same(values, [("Two", "INTEGRATION"), ("One", "INTEGRATION")])


@check
def an_address_that_is_taken_is_a_conflict_with_the_holders_id():
    made = person(email="py.taken@example.org")
    problem = refused(lambda: person(email="PY.TAKEN@example.org"), contacts.ApiException)
    same((problem.status, body(problem)["category"]), (409, "CONFLICT"))
    same(body(problem)["message"], f"Contact already exists. Existing ID: {made.id}")


@check
def values_that_are_not_valid_are_named_all_together():
    problem = refused(lambda: person(email="nonsense", nosuch="1", lifecyclestage="Lead"), contacts.ApiException)
    same((problem.status, body(problem)["category"]), (400, "VALIDATION_ERROR"))
    message = body(problem)["message"]
    codes = sorted(entry["error"] for entry in json.loads(message[message.index("[") :]))
    same(codes, ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST"])


@check
def a_record_that_is_not_there_and_a_token_that_is_nobodys():
    same(refused(lambda: people.basic_api.get_by_id("999999999"), contacts.ApiException).status, 404)
    stranger = HubSpot(access_token="test-token-1", host=sandbox.url)
    problem = refused(lambda: stranger.crm.contacts.basic_api.get_page(), contacts.ApiException)
    same((problem.status, body(problem)["category"]), (401, "INVALID_AUTHENTICATION"))


@check
def a_batch_creates_a_hundred():
    inputs = [{"properties": {"email": f"py.batch{at}@example.org"}, "associations": []} for at in range(100)]
    answer = people.batch_api.create({"inputs": inputs})
    same((answer.status, len(answer.results)), ("COMPLETE", 100))
    more = {"inputs": inputs + inputs[:1]}
    same(refused(lambda: people.batch_api.create(more), contacts.ApiException).status, 400, "101 at once")


@check
def a_batch_without_trace_ids_is_all_or_nothing():
    made = person(email="py.whole@example.org")
    emails = ["py.whole.new@example.org", "py.whole@example.org"]
    inputs = {"inputs": [{"properties": {"email": email}, "associations": []} for email in emails]}
    problem = refused(lambda: people.batch_api.create(inputs), contacts.ApiException)
    same((problem.status, body(problem)["message"]), (409, f"Contact already exists. Existing ID: {made.id}"))
    same(find(filterGroups=where("email", "EQ", value=emails[0])).total, 0, "nothing was made")


@check
def a_batch_with_trace_ids_tells_input_by_input():
    made = person(email="py.trace@example.org")
    inputs = [
        {"properties": {"email": email}, "associations": [], "objectWriteTraceId": trace}
        for trace, email in [("one", "py.trace.new@example.org"), ("two", "py.trace@example.org")]
    ]
    answer = people.batch_api.create({"inputs": inputs})
    same([(done.object_write_trace_id, done.properties["email"]) for done in answer.results], [("one", "py.trace.new@example.org")])
    same((answer.num_errors, answer.errors[0].category), (1, "CONFLICT"))
    same(answer.errors[0].context, {"objectWriteTraceId": ["two"]})
    same(answer.errors[0].message, f"Contact already exists. Existing ID: {made.id}")


@check
def a_batch_reads_by_id_and_by_address_and_names_what_is_missing():
    made = person(email="py.read@example.org", city="Here")
    by_id = people.batch_api.read({"inputs": [{"id": made.id}], "properties": ["city"], "propertiesWithHistory": []})
    same(by_id.results[0].properties["city"], "Here")
    asked = {"inputs": [{"id": "PY.read@example.org"}, {"id": "nobody@example.org"}], "idProperty": "email",
             "properties": [], "propertiesWithHistory": []}
    answer = people.batch_api.read(asked)
    same([record.id for record in answer.results], [made.id])
    same((answer.num_errors, answer.errors[0].category), (1, "OBJECT_NOT_FOUND"))
    same(answer.errors[0].context, {"ids": ["nobody@example.org"]})


@check
def a_batch_changes_by_id():
    one, two = person(email="py.up1@example.org"), person(email="py.up2@example.org")
    answer = people.batch_api.update({"inputs": [{"id": one.id, "properties": {"city": "A"}}, {"id": two.id, "properties": {"city": "B"}}]})
    same({record.id: record.properties["city"] for record in answer.results}, {one.id: "A", two.id: "B"})
    partly = people.batch_api.update({"inputs": [{"id": one.id, "properties": {"city": "C"}}, {"id": "999999999", "properties": {}}]})
    same((len(partly.results), partly.errors[0].context), (1, {"ids": ["999999999"]}))
    twice = {"inputs": [{"id": one.id, "properties": {}}, {"id": one.id, "properties": {}}]}
    same(refused(lambda: people.batch_api.update(twice), contacts.ApiException).status, 400, "one record twice")


@check
def a_batch_upserts_by_address():
    made = person(email="py.upsert@example.org")
    inputs = [{"id": email, "idProperty": "email", "properties": {"city": "Up"}}
              for email in ["PY.upsert@example.org", "py.upsert.new@example.org"]]
    answer = people.batch_api.upsert({"inputs": inputs})
    same([record.new for record in answer.results], [False, True])
    same(answer.results[0].id, made.id)
    same(answer.results[1].properties["email"], "py.upsert.new@example.org")


@check
def a_batch_archives_and_says_nothing_of_what_was_gone():
    made = person(email="py.archive@example.org")
    people.batch_api.archive({"inputs": [{"id": made.id}, {"id": "999999999"}]})
    same(refused(lambda: people.basic_api.get_by_id(made.id), contacts.ApiException).status, 404)


@check
def a_search_finds_by_every_operator():
    for name, spend in [("Uno", "10"), ("Due", "20"), ("Tre", "30"), ("Quattro", "")]:
        person(firstname=name, lastname="Pysearch", annual_spend=spend)
    only = {"propertyName": "lastname", "operator": "EQ", "value": "pysearch"}
    for filter_, expected in [
        ({"operator": "EQ", "value": "20"}, ["Due"]),
        ({"operator": "NEQ", "value": "20"}, ["Uno", "Tre"]),
        ({"operator": "LT", "value": "20"}, ["Uno"]),
        ({"operator": "LTE", "value": "20"}, ["Uno", "Due"]),
        ({"operator": "GT", "value": "20"}, ["Tre"]),
        ({"operator": "GTE", "value": "20"}, ["Due", "Tre"]),
        ({"operator": "BETWEEN", "value": "15", "highValue": "30"}, ["Due", "Tre"]),
        ({"operator": "IN", "values": ["10", "30"]}, ["Uno", "Tre"]),
        ({"operator": "NOT_IN", "values": ["10", "30"]}, ["Due"]),
        ({"operator": "HAS_PROPERTY"}, ["Uno", "Due", "Tre"]),
        ({"operator": "NOT_HAS_PROPERTY"}, ["Quattro"]),
        ({"propertyName": "firstname", "operator": "CONTAINS_TOKEN", "value": "qua*"}, ["Quattro"]),
        ({"propertyName": "firstname", "operator": "NOT_CONTAINS_TOKEN", "value": "qua*"}, ["Uno", "Due", "Tre"]),
    ]:
        group = {"filters": [only, {"propertyName": "annual_spend", **filter_}]}
        found = find(filterGroups=[group])
        same([record.properties["firstname"] for record in found.results], expected, str(filter_))


@check
def a_search_is_sorted_and_paged():
    for name in ["Bea", "Abe", "Cem"]:
        person(firstname=name, lastname="Pysorted")
    query = {"filterGroups": where("lastname", "EQ", value="pysorted"), "limit": 2,
             "sorts": [{"propertyName": "firstname", "direction": "DESCENDING"}]}
    first = find(**query)
    same((first.total, [record.properties["firstname"] for record in first.results]), (3, ["Cem", "Bea"]))
    second = find(**query, after=first.paging.next.after)
    same([record.properties["firstname"] for record in second.results], ["Abe"])
    same(second.paging, None, "the end")


@check
def a_search_ends_at_ten_thousand():
    problem = refused(lambda: find(after="9900"), contacts.ApiException)
    same((problem.status, body(problem)["category"]), (400, "VALIDATION_ERROR"))
    problem = refused(lambda: find(filterGroups=where("nosuch", "HAS_PROPERTY")), contacts.ApiException)
    same(problem.status, 400, "a property that is not there")


@check
def contacts_are_merged_and_both_ids_lead_to_the_new_one():
    one, two = person(email="py.m1@example.org", city="One"), person(email="py.m2@example.org", phone="2")
    merged = people.basic_api.merge({"primaryObjectId": one.id, "objectIdToMerge": two.id})
    same((merged.properties["city"], merged.properties["phone"]), ("One", "2"))
    for old in [one.id, two.id]:
        same(people.basic_api.get_by_id(old).id, merged.id, f"id {old}")


@check
def properties_are_described_created_changed_and_archived():
    api = client.crm.properties.core_api
    described = {found.name: found for found in api.get_all("contacts").results}
    same(described["lifecyclestage"].options[1].value, "lead")
    same(described["createdate"].modification_metadata.read_only_value, True)
    same((described["email"].has_unique_value, described["email"].type), (True, "string"))
    made = api.create("contacts", {"name": "py_number", "label": "Number", "type": "number", "fieldType": "number",
                                   "groupName": "contactinformation", "hasUniqueValue": True})
    same((made.name, made.has_unique_value, made.hubspot_defined), ("py_number", True, False))
    same(api.update("contacts", "py_number", {"label": "Other"}).label, "Other")
    same(api.get_by_name("contacts", "py_number").label, "Other")
    again = {"name": "py_number", "label": "N", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
    same(refused(lambda: api.create("contacts", again), properties.ApiException).status, 409)
    api.archive("contacts", "py_number")
    same(refused(lambda: api.get_by_name("contacts", "py_number"), properties.ApiException).status, 404)
    same("py_number" in [found.name for found in api.get_all("contacts", archived=True).results], True)


@check
def properties_go_in_batches_and_in_groups():
    groups, batch = client.crm.properties.groups_api, client.crm.properties.batch_api
    groups.create("companies", {"name": "py_group", "label": "Ours", "displayOrder": 1})
    same(groups.update("companies", "py_group", {"label": "Theirs"}).label, "Theirs")
    new = [{"name": f"py_text{at}", "label": "T", "type": "string", "fieldType": "text", "groupName": "py_group"} for at in range(2)]
    same(len(batch.create("companies", {"inputs": new}).results), 2)
    names = {"inputs": [{"name": "py_text0"}, {"name": "py_text1"}, {"name": "nosuch"}], "archived": False}
    read = batch.read("companies", names)
    same((len(read.results), read.num_errors), (2, 1))
    batch.archive("companies", {"inputs": names["inputs"][:2]})
    groups.archive("companies", "py_group")
    same("py_group" in [group.name for group in groups.get_all("companies").results], False)


@check
def contacts_and_companies_are_associated():
    api = client.crm.associations.v4
    man, acme, zeta = person(email="py.assoc@example.org"), firm(name="Acme"), firm(name="Zeta")
    api.basic_api.create_default("contacts", man.id, "companies", acme.id)
    api.basic_api.create("contacts", man.id, "companies", zeta.id,
                         [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}])
    linked = api.basic_api.get_page("contacts", man.id, "companies").results
    same(sorted(str(to.to_object_id) for to in linked), sorted([acme.id, zeta.id]))
    same(sorted(kind.type_id for kind in linked[0].association_types), [1, 279], "the first is the primary one")
    back = api.batch_api.get_page("companies", "contacts", {"inputs": [{"id": acme.id}]})
    same([str(to.to_object_id) for to in back.results[0].to], [man.id])
    read = people.basic_api.get_by_id(man.id, associations=["companies"])
    same({to.id for to in read.associations["companies"].results}, {acme.id, zeta.id})
    api.basic_api.archive("contacts", man.id, "companies", acme.id)
    same([str(to.to_object_id) for to in api.basic_api.get_page("contacts", man.id, "companies").results], [zeta.id])
    link = {"from": {"id": man.id}, "to": {"id": acme.id}}
    same(len(api.batch_api.create_default("contacts", "companies", {"inputs": [link]}).results), 1)
    api.batch_api.archive("contacts", "companies", {"inputs": [{"from": {"id": man.id}, "to": [{"id": acme.id}, {"id": zeta.id}]}]})
    same(api.basic_api.get_page("contacts", man.id, "companies").results, [])
    nothing = api.batch_api.get_page("contacts", "companies", {"inputs": [{"id": man.id}]})
    same((nothing.results, nothing.num_errors), ([], 1), "nothing linked")


@check
def a_contact_is_created_with_its_company():
    acme = firm(name="Acme two")
    link = {"to": {"id": acme.id}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}
    made = people.basic_api.create({"properties": {"email": "py.with@example.org"}, "associations": [link]})
    read = firms.basic_api.get_by_id(acme.id, associations=["contacts"])
    same({to.id for to in read.associations["contacts"].results}, {made.id})


@check
def companies_with_one_domain_are_two_companies():
    same(firm(domain="py.example.org").id != firm(domain="py.example.org").id, True)
    same(refused(lambda: firms.basic_api.get_by_id("1"), companies.ApiException).status, 404)


@check
def owners_are_listed_and_read():
    page = client.crm.owners.owners_api.get_page(limit=2)
    same((len(page.results), page.paging is not None), (2, True))
    owner = client.crm.owners.owners_api.get_by_id(int(page.results[0].id))
    same((owner.id, owner.archived), (page.results[0].id, False))
    same([found.id for found in client.crm.owners.owners_api.get_page(email=owner.email).results], [owner.id])
    same(refused(lambda: client.crm.owners.owners_api.get_by_id(1), owners.ApiException).status, 404)


def code():
    """An authorization code, got as a browser would."""
    address = get_auth_url(client_id=sandbox.about["clientId"], redirect_uri="http://localhost:5000/back",
                           scope=("oauth", "crm.objects.contacts.read"), state="s 1")

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = build_opener(ProxyHandler({}), Stay)
    query = urlencode({name: values[0] for name, values in parse_qs(urlsplit(address).query).items()})
    try:
        opener.open(f"{sandbox.url}/oauth/authorize?{query}")
    except Exception as answer:
        back = parse_qs(urlsplit(answer.headers["location"]).query)
    same(back["state"], ["s 1"])
    return back["code"][0]


@check
def tokens_are_had_renewed_described_and_revoked():
    tokens = client.oauth.tokens_api
    app = {"client_id": sandbox.about["clientId"], "client_secret": sandbox.about["clientSecret"]}
    first = tokens.create(grant_type="authorization_code", redirect_uri="http://localhost:5000/back", code=code(), **app)
    same((first.token_type, first.expires_in), ("bearer", 1800))
    second = tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **app)
    signed_in = HubSpot(access_token=second.access_token, host=sandbox.url)
    same(len(signed_in.crm.contacts.basic_api.get_page(limit=1).results), 1)
    about = client.oauth.access_tokens_api.get(second.access_token)
    same(sorted(about.scopes), ["crm.objects.contacts.read", "oauth"])
    same(client.oauth.refresh_tokens_api.get(first.refresh_token).hub_id, about.hub_id)
    write = refused(lambda: signed_in.crm.contacts.basic_api.create({"properties": {"email": "py.scope@example.org"}}), contacts.ApiException)
    same((write.status, body(write)["category"]), (403, "MISSING_SCOPES"))
    sandbox.control("POST", "expire-tokens")
    late = refused(lambda: signed_in.crm.contacts.basic_api.get_page(), contacts.ApiException)
    same((late.status, body(late)["category"]), (401, "EXPIRED_AUTHENTICATION"))
    client.oauth.refresh_tokens_api.archive(first.refresh_token)
    dead = refused(lambda: tokens.create(grant_type="refresh_token", refresh_token=first.refresh_token, **app), OauthException)
    same((dead.status, body(dead)["status"]), (400, "BAD_REFRESH_TOKEN"))


def patient():
    """A client that tries again."""
    again = Retry(total=6, backoff_factor=0.2, status_forcelist=(429, 502, 503), allowed_methods=None)
    return HubSpot(access_token=sandbox.about["accessToken"], host=sandbox.url, retry=again)


@check
def a_limit_is_an_answer_to_wait_for():
    limit = {"path": "*/contacts", "action": {"tooManyRequests": {}}}
    sandbox.misbehave(limit)
    problem = refused(lambda: people.basic_api.get_page(), contacts.ApiException)
    same((problem.status, body(problem)["policyName"]), (429, "TEN_SECONDLY_ROLLING"))
    bad_gateway = {"path": "*/contacts", "nth": 2, "action": {"answer": {"status": 502, "body": "<html>"}}}
    sandbox.misbehave(limit, bad_gateway)
    same(len(patient().crm.contacts.basic_api.get_page(limit=100).results), 100)
    # Without being told to try again, the client still waits as long as HubSpot asks.
    sandbox.misbehave({"path": "*/contacts", "action": {"tooManyRequests": {"retryAfter": 1}}})
    same(len(people.basic_api.get_page(limit=100).results), 100)
    sandbox.misbehave()


@check
def the_search_limit_holds_and_waiting_helps():
    strict = Sandbox("hubspot", "--records", "10", "--limits", "professional")
    again = Retry(total=6, backoff_factor=0.3, status_forcelist=(429,), allowed_methods=None)
    for retry, all_answered in [(None, False), (again, True)]:
        searcher = HubSpot(access_token=strict.about["accessToken"], host=strict.url, retry=retry).crm.contacts.search_api
        limited = 0
        for _ in range(12):
            try:
                same(searcher.do_search({"filterGroups": [], "sorts": [], "properties": [], "limit": 1, "after": "0"}).total, 10)
            except contacts.ApiException as problem:
                same((problem.status, body(problem)["message"]), (429, "You have reached your secondly limit."))
                limited += 1
        same(limited == 0, all_answered, f"{limited} of 12 searches refused")
    page, status, headers = HubSpot(access_token=strict.about["accessToken"], host=strict.url).crm.contacts.basic_api.get_page_with_http_info(limit=1)
    same((status, headers["x-hubspot-ratelimit-max"], headers["x-hubspot-ratelimit-interval-milliseconds"]), (200, "190", "10000"))
    same(int(headers["x-hubspot-ratelimit-daily-remaining"]) < int(headers["x-hubspot-ratelimit-daily"]), True)


run()
