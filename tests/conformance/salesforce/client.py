"""simple-salesforce against the Salesforce sandbox."""

import csv
import datetime
import io
import json
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from checks import Sandbox, check, refused, run, same

RECORDS = 2500
sandbox = Sandbox("salesforce", "--records", str(RECORDS), "--consent", "allow")
HOST = urlsplit(sandbox.url).netloc


class OverHttp(HTTPAdapter):
    """The client writes https into every address and Salesforce's domain into that of the token endpoint."""

    def send(self, request, **options):
        parts = urlsplit(request.url)
        request.url = parts._replace(scheme="http", netloc=HOST).geturl()
        return super().send(request, **options)


def browser():
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", OverHttp())
    return session


def connect(token, version="66.0"):
    return Salesforce(instance=HOST, session_id=token, session=browser(), version=version)


client = connect(sandbox.about["accessToken"])
PROFILE = client.query("SELECT Id FROM Profile WHERE Name = 'Standard User'")["records"][0]["Id"]


def person(name, **fields):
    """What a new user needs, with more or other fields."""
    return {
        "Username": f"{name}@py.example.com", "LastName": name, "Email": f"{name}@example.org", "Alias": name[:8],
        "CommunityNickname": name, "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "de_DE_EURO",
        "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "de", "ProfileId": PROFILE,
    } | fields


def code(problem):
    """Salesforce's code for a refusal."""
    return problem.content[0]["errorCode"]


def post(path, **fields):
    return requests.post(sandbox.url + path, data=fields, proxies={"http": None})


@check
def a_query_is_read_page_by_page():
    first = client.query("SELECT Id, Username, Profile.Name FROM User")
    same((first["totalSize"], first["done"], len(first["records"])), (RECORDS + 2, False, 2000))
    last = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    same((last["done"], len(last["records"]), "nextRecordsUrl" in last), (True, RECORDS + 2 - 2000, False))
    every = client.query_all("SELECT Id FROM User")["records"]
    same((len(every), len({user["Id"] for user in every})), (RECORDS + 2, RECORDS + 2))
    same(first["records"][0]["Profile"]["attributes"]["type"], "Profile")
    same(sum(1 for _ in client.query_all_iter("SELECT Id FROM Contact")), RECORDS // 4)


@check
def conditions_find_what_they_say():
    same(client.query("SELECT COUNT() FROM User WHERE IsActive = true OR IsActive = false")["totalSize"], RECORDS + 2)
    some = client.query_all("SELECT Username, FirstName, Email FROM User WHERE FirstName LIKE 'a%' AND Title != null")
    same({user["FirstName"][0] for user in some["records"]}, {"A"})
    name = some["records"][0]["Username"].upper()
    found = client.query(f"SELECT Id FROM User WHERE Username IN ('{name}', 'nobody@example.com')")
    same(found["totalSize"], 1)
    ordered = client.query("SELECT LastName FROM Lead ORDER BY LastName DESC, Id LIMIT 50")["records"]
    names = [lead["LastName"].lower() for lead in ordered]
    same(names, sorted(names, reverse=True))
    same(client.query("SELECT Id FROM User WHERE CreatedDate > 2024-01-01T00:00:00Z LIMIT 3")["totalSize"], 3)


@check
def what_is_no_query_is_refused():
    for soql, expected in [
        ("SELECT Nope FROM User", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM User WHERE LastName = O'Brien", "MALFORMED_QUERY"),
        ("SELECT Id FROM User WHERE IsActive = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM User WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ]:
        same(code(refused(lambda soql=soql: client.query(soql), SalesforceMalformedRequest)), expected, soql)


@check
def describe_tells_the_rules_of_users():
    names = {each["name"] for each in client.describe()["sobjects"]}
    assert {"User", "Contact", "Lead", "Account", "Profile", "Group", "GroupMember", "PermissionSet",
            "PermissionSetAssignment", "UserLogin"} <= names, names
    told = client.User.describe()
    same((told["keyPrefix"], told["createable"], told["deletable"]), ("005", True, False))
    needed = {field["name"] for field in told["fields"] if field["createable"] and not field["nillable"]
              and not field["defaultedOnCreate"] and field["type"] != "boolean"}
    same(needed, {"Username", "LastName", "Email", "Alias", "TimeZoneSidKey", "LocaleSidKey", "EmailEncodingKey",
                  "ProfileId", "LanguageLocaleKey"})
    fields = {field["name"]: field for field in told["fields"]}
    same((fields["Alias"]["length"], fields["Username"]["idLookup"], fields["Username"]["unique"]), (8, True, False))
    assert "UTF-8" in {value["value"] for value in fields["EmailEncodingKey"]["picklistValues"]}
    same(client.User.metadata()["objectDescribe"]["name"], "User")


@check
def a_user_is_created_read_changed_and_never_deleted():
    made = client.User.create(person("crud"))
    same((made["success"], len(made["id"])), (True, 18))
    read = client.User.get(made["id"])
    same((read["Name"], read["IsActive"], read["UserType"]), ("crud", True, "Standard"))
    same(client.User.update(made["id"], {"Title": "Boss", "FirstName": "Ann"}), 204)
    same(client.User.get(made["id"][:15])["Name"], "Ann crud")
    same(client.User.update(made["id"], {"Title": None}), 204)
    same(client.User.get(made["id"])["Title"], None)
    same(code(refused(lambda: client.User.delete(made["id"]), SalesforceMalformedRequest)),
         "INVALID_TYPE_FOR_OPERATION")
    same(client.User.update(made["id"], {"IsActive": False}), 204)
    login = client.query(f"SELECT Id, IsFrozen FROM UserLogin WHERE UserId = '{made['id']}'")["records"][0]
    same(login["IsFrozen"], False)
    client.UserLogin.update(login["Id"], {"IsFrozen": True})
    same(client.query(f"SELECT Id FROM UserLogin WHERE UserId = '{made['id']}' AND IsFrozen = true")["totalSize"], 1)


@check
def users_that_break_a_rule_are_refused():
    client.User.create(person("first"))
    for fields, expected in [
        (person("second", Username="FIRST@py.example.com"), "DUPLICATE_USERNAME"),
        (person("third", Username="taken@elsewhere.example.com"), "DUPLICATE_USERNAME"),
        (person("fourth", CommunityNickname="First"), "DUPLICATE_COMM_NICKNAME"),
        (person("fifth", Alias="toolongalias"), "STRING_TOO_LONG"),
        (person("sixth", TimeZoneSidKey="Mars/Olympus"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (person("seventh", ProfileId="00eSb0000000zzz"), "INVALID_CROSS_REFERENCE_KEY"),
        (person("eighth", ProfileId=client.query("SELECT Id FROM User LIMIT 1")["records"][0]["Id"]), "MALFORMED_ID"),
        (person("ninth", Email="nowhere"), "INVALID_EMAIL_ADDRESS"),
        (person("tenth", Name="Given"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (person("eleventh", Nope="x"), "INVALID_FIELD"),
        ({"LastName": "Alone"}, "REQUIRED_FIELD_MISSING"),
    ]:
        same(code(refused(lambda fields=fields: client.User.create(fields), SalesforceMalformedRequest)), expected)


@check
def contacts_are_upserted_by_external_id_and_deleted():
    same(client.Contact.upsert("External_Id__c/py 1+2", {"LastName": "Up", "Email": "up@example.org"}), 201)
    same(client.Contact.upsert("External_Id__c/py 1+2", {"Title": "Changed"}), 200)
    record = client.query("SELECT Id, External_Id__c, Title FROM Contact WHERE Title = 'Changed'")["records"][0]
    same(record["External_Id__c"], "py 1+2")
    double = client.query("SELECT Legacy_Id__c FROM Contact LIMIT 1")["records"][0]["Legacy_Id__c"]
    refused(lambda: client.Contact.get_by_custom_id("Legacy_Id__c", double), SalesforceMoreThanOneRecord)
    same(client.Contact.delete(record["Id"]), 204)
    same(code(refused(lambda: client.Contact.get(record["Id"]), SalesforceResourceNotFound)), "ENTITY_IS_DELETED")
    everything = client.query("SELECT Id, IsDeleted FROM Contact WHERE IsDeleted = true", include_deleted=True)
    assert record["Id"] in {contact["Id"] for contact in everything["records"]}


@check
def a_collection_tells_the_fate_of_each_record():
    ids = [user["Id"] for user in client.query("SELECT Id FROM User WHERE Username LIKE '%@sandbox%' LIMIT 3")["records"]]
    records = [{"attributes": {"type": "User"}, "id": each, "Title": "Together"} for each in ids]
    records[1]["Alias"] = "far too long"
    body = json.dumps({"allOrNone": False, "records": records})
    results = client.restful("composite/sobjects", method="PATCH", data=body)
    same([result["success"] for result in results], [True, False, True])
    same(results[1]["errors"][0]["statusCode"], "STRING_TOO_LONG")
    body = json.dumps({"allOrNone": True, "records": [record | {"Title": "All"} for record in records]})
    results = client.restful("composite/sobjects", method="PATCH", data=body)
    same([result["errors"][0]["statusCode"] for result in results],
         ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "STRING_TOO_LONG", "ALL_OR_NONE_OPERATION_ROLLED_BACK"])
    same(client.User.get(ids[0])["Title"], "Together")


@check
def setup_and_other_records_do_not_mix():
    user = client.query("SELECT Id FROM User LIMIT 1")["records"][0]["Id"]
    contact = client.query("SELECT Id FROM Contact LIMIT 1")["records"][0]["Id"]
    records = [{"attributes": {"type": kind}, "id": each, "Title": "Mixed"}
               for kind, each in [("User", user), ("Contact", contact)]]
    body = json.dumps({"allOrNone": False, "records": records})
    results = client.restful("composite/sobjects", method="PATCH", data=body)
    same([result["success"] for result in results], [True, False])
    same(results[1]["errors"][0]["statusCode"], "MIXED_DML_OPERATION")


@check
def several_calls_in_one_use_each_other_s_answers():
    base = "/services/data/v66.0"
    parts = [
        {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "firm", "body": {"Name": "Py together"}},
        {"method": "POST", "url": f"{base}/sobjects/Contact", "referenceId": "person",
         "body": {"LastName": "Py", "AccountId": "@{firm.id}"}},
        {"method": "GET", "url": f"{base}/sobjects/Contact/@{{person.id}}", "referenceId": "read"},
    ]
    answer = client.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": parts})
    firm, _, read = answer["compositeResponse"]
    same([each["httpStatusCode"] for each in answer["compositeResponse"]], [201, 201, 200])
    same(read["body"]["AccountId"], firm["body"]["id"])


@check
def changes_and_deletions_of_a_span_are_told():
    made = client.Lead.create({"LastName": "Span", "Company": "Spanner"})["id"]
    gone = client.Lead.create({"LastName": "Gone", "Company": "Spanner"})["id"]
    client.Lead.delete(gone)
    now = datetime.datetime.fromtimestamp(sandbox.control("GET", "state")["now"] / 1000, datetime.timezone.utc)
    sandbox.control("POST", "clock", {"advanceMs": 120_000})
    start, end = now - datetime.timedelta(minutes=2), now + datetime.timedelta(minutes=2)
    told = client.Lead.updated(start, end)
    assert made in told["ids"] and gone not in told["ids"], told
    assert told["latestDateCovered"].endswith("+0000")
    deleted = client.Lead.deleted(start, end)
    assert gone in {record["id"] for record in deleted["deletedRecords"]}, deleted


@check
def a_bulk_job_inserts_updates_and_tells_failures():
    rows = [person(f"bulk{at}") for at in range(30)]
    rows[7]["Username"] = rows[6]["Username"]
    rows[8]["LastName"] = 'Comma, "Quote"\nLine'
    [told] = client.bulk2.User.insert(records=rows, wait=0.1)
    same((told["numberRecordsProcessed"], told["numberRecordsFailed"]), (30, 1))
    failed = list(csv.DictReader(io.StringIO(client.bulk2.User.get_failed_records(told["job_id"]))))
    assert failed[0]["sf__Error"].startswith("DUPLICATE_USERNAME:"), failed
    done = list(csv.DictReader(io.StringIO(client.bulk2.User.get_successful_records(told["job_id"]))))
    same(({row["sf__Created"] for row in done}, len(done)), ({"true"}, 29))
    same({row["LastName"] for row in done if row["Alias"] == "bulk8"}, {'Comma, "Quote"\nLine'})
    rows = [{"Id": row["sf__Id"], "Title": "#N/A" if at else "Kept", "City": ""} for at, row in enumerate(done)]
    [told] = client.bulk2.User.update(records=rows, wait=0.1)
    same((told["numberRecordsProcessed"], told["numberRecordsFailed"]), (29, 0))
    same(client.query("SELECT COUNT() FROM User WHERE Alias LIKE 'bulk%' AND Title = 'Kept'")["totalSize"], 1)
    rows = [{"External_Id__c": f"bulk-{at}", "LastName": f"Bulk {at}"} for at in range(5)]
    [told] = client.bulk2.Contact.upsert(records=rows, external_id_field="External_Id__c", wait=0.1)
    same((told["numberRecordsProcessed"], told["numberRecordsFailed"]), (5, 0))


@check
def a_bulk_query_is_read_to_its_end():
    pages = list(client.bulk2.User.query("SELECT Id, Username, Profile.Name FROM User", max_records=1000, wait=0.1))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    count = client.query("SELECT COUNT() FROM User")["totalSize"]
    same((len(rows), len({row["Id"] for row in rows}), len(pages)), (count, count, -(-count // 1000)))
    same(set(rows[0]), {"Id", "Username", "Profile.Name"})


@check
def limits_are_told():
    daily = client.limits()["DailyApiRequests"]
    assert 0 < daily["Remaining"] < daily["Max"], daily
    client.query("SELECT Id FROM Profile")
    used = client.api_usage["api-usage"]
    assert used.used > 0 and used.total == daily["Max"], used
    counts = client.restful("limits/recordCount", params={"sObjects": "Profile,Account"})["sObjects"]
    same({each["name"] for each in counts}, {"Profile", "Account"})


@check
def the_web_server_flow_gives_a_session_that_works():
    about = sandbox.about
    question = {"response_type": "code", "client_id": about["clientId"], "redirect_uri": "http://localhost:1717/cb",
                "scope": "api id refresh_token", "state": "s-1"}
    answer = requests.get(f"{sandbox.url}/services/oauth2/authorize?{urlencode(question)}", allow_redirects=False,
                          proxies={"http": None})
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    same((answer.status_code, back["state"]), (302, ["s-1"]))
    fields = {"grant_type": "authorization_code", "code": back["code"][0], "client_id": about["clientId"],
              "client_secret": about["clientSecret"], "redirect_uri": question["redirect_uri"]}
    tokens = post("/services/oauth2/token", **fields).json()
    same((tokens["token_type"], tokens["instance_url"], "expires_in" in tokens), ("Bearer", sandbox.url, False))
    again = post("/services/oauth2/token", **fields)
    same((again.status_code, again.json()["error"]), (400, "invalid_grant"))
    mine = connect(tokens["access_token"])
    same(mine.query("SELECT Id FROM Profile LIMIT 1")["totalSize"], 1)
    renewal = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": about["clientId"],
               "client_secret": about["clientSecret"]}
    renewed = post("/services/oauth2/token", **renewal).json()
    assert "refresh_token" not in renewed and renewed["access_token"] != tokens["access_token"]
    told = post("/services/oauth2/introspect", token=renewed["access_token"], client_id=about["clientId"],
                client_secret=about["clientSecret"]).json()
    same((told["active"], told["token_type"]), (True, "access_token"))
    same(post("/services/oauth2/revoke", token=tokens["refresh_token"]).status_code, 200)
    refused(lambda: connect(renewed["access_token"]).query("SELECT Id FROM Profile"), SalesforceExpiredSession)
    same(post("/services/oauth2/token", **renewal).json()["error"], "invalid_grant")


@check
def client_credentials_log_in():
    about = sandbox.about
    mine = Salesforce(consumer_key=about["clientId"], consumer_secret=about["clientSecret"], domain="sandbox.my",
                      session=browser(), version="66.0")
    same(mine.query("SELECT Id FROM Profile LIMIT 1")["totalSize"], 1)
    refused(lambda: Salesforce(consumer_key=about["clientId"], consumer_secret="wrong", domain="sandbox.my",
                               session=browser()), SalesforceAuthenticationFailed)


@check
def an_ended_session_and_an_exhausted_day_are_told_apart():
    refused(lambda: connect("nobody").query("SELECT Id FROM User"), SalesforceExpiredSession)
    sandbox.misbehave({"path": "*/query*", "action": {"tooManyRequests": {}}})
    problem = refused(lambda: client.query("SELECT Id FROM User"), SalesforceRefusedRequest)
    same(code(problem), "REQUEST_LIMIT_EXCEEDED")
    sandbox.misbehave()
    small = Sandbox("salesforce", "--records", "5", "--daily-calls", "3")
    url = f"{small.url}/services/data/v66.0/limits"
    asked = [requests.get(url, headers={"Authorization": f"Bearer {small.about['accessToken']}"}, proxies={"http": None})
             for _ in range(4)]
    same([answer.status_code for answer in asked], [200, 200, 200, 403])
    same(asked[2].headers["Sforce-Limit-Info"].split(";")[0], "api-usage=3/3")


run()
