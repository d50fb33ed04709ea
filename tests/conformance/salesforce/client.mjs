// jsforce against the Salesforce sandbox.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";

import jsforce from "jsforce";

import { Sandbox, check, refused, run } from "../checks.mjs";

const RECORDS = 2500;
const VERSION = "66.0";
const CALLBACK = "http://localhost:1717/OauthRedirect";
const sandbox = await Sandbox.start("salesforce", "--records", String(RECORDS), "--consent", "allow");

const connect = (url, accessToken) => {
  const client = new jsforce.Connection({ instanceUrl: url, accessToken, version: VERSION });
  client.bulk2.pollInterval = 10;
  return client;
};
const client = connect(sandbox.url, sandbox.about.accessToken);
const profile = (await client.query("SELECT Id FROM Profile WHERE Name = 'Standard User'")).records[0].Id;

/** What a new user needs, with more or other fields. */
const person = (name, fields) => ({
  Username: `${name}@js.example.com`,
  LastName: name,
  Email: `${name}@example.org`,
  Alias: name.slice(0, 8),
  CommunityNickname: `js-${name}`,
  TimeZoneSidKey: "Europe/Berlin",
  LocaleSidKey: "en_US",
  EmailEncodingKey: "UTF-8",
  LanguageLocaleKey: "en_US",
  ProfileId: profile,
  ...fields,
});

check("a query is read page by page", async () => {
  const first = await client.query("SELECT Id, Username, Profile.Name FROM User");
  assert.deepEqual([first.totalSize, first.done, first.records.length], [RECORDS + 2, false, 2000]);
  assert.equal(first.records[0].Profile.attributes.type, "Profile");
  const last = await client.queryMore(first.nextRecordsUrl);
  assert.deepEqual([last.done, last.records.length], [true, RECORDS + 2 - 2000]);
  const all = await client.query("SELECT Id FROM User").execute({ autoFetch: true, maxFetch: 10_000 });
  assert.equal(new Set(all.records.map((user) => user.Id)).size, RECORDS + 2);
});

check("conditions are those of its query builder", async () => {
  const [one] = await client.sobject("User").find({ FirstName: { $like: "A%" } }, "Id, Username, FirstName").limit(1);
  assert.ok(one.FirstName.startsWith("A"));
  const same = await client.sobject("User").findOne({ Username: one.Username }, ["Id", "Username"]);
  assert.equal(same.Id, one.Id);
  const since = jsforce.SfDate.toDateTimeLiteral("2024-01-01T00:00:00Z");
  const counted = await client.sobject("Lead").count({ CreatedDate: { $gt: since }, IsConverted: false });
  assert.ok(counted > 100 && counted < RECORDS / 8);
});

check("describe tells what is there", async () => {
  const all = await client.describeGlobal();
  assert.ok(all.sobjects.some((each) => each.name === "PermissionSetAssignment"));
  const user = await client.sobject("User").describe();
  assert.deepEqual([user.keyPrefix, user.deletable], ["005", false]);
  assert.equal(user.fields.find((field) => field.name === "ProfileId").relationshipName, "Profile");
  const contact = await client.sobject("Contact").describe();
  assert.ok(contact.fields.find((field) => field.name === "External_Id__c").externalId);
});

check("one record is created, read, changed and deleted", async () => {
  const leads = client.sobject("Lead");
  const made = await leads.create({ LastName: "O'Brien", Company: "Crud & Sons" });
  assert.ok(made.success);
  assert.equal((await leads.retrieve(made.id)).Status, "Open - Not Contacted");
  await leads.update({ Id: made.id, FirstName: "Zoë 🎉", Company: "Other" });
  assert.equal((await client.query("SELECT Name FROM Lead WHERE LastName = 'O\\'Brien'")).records[0].Name, "Zoë 🎉 O'Brien");
  await leads.destroy(made.id);
  assert.equal((await refused(leads.retrieve(made.id))).errorCode, "ENTITY_IS_DELETED");
});

check("many records are created, read, changed and deleted in few calls", async () => {
  const accounts = client.sobject("Account");
  const before = (await sandbox.control("GET", "state")).callCount;
  const made = await accounts.create(
    Array.from({ length: 450 }, (_, at) => ({ Name: `Js ${at}` })),
    { allowRecursive: true },
  );
  const calls = (await sandbox.control("GET", "state")).callCount - before;
  assert.deepEqual([made.length, made.every((one) => one.success), calls], [450, true, 3]);
  const ids = made.map((one) => one.id);
  const read = await accounts.retrieve(ids.slice(0, 200));
  assert.equal(read[7].Name, "Js 7");
  const changed = await accounts.update(
    ids.map((Id, at) => ({ Id, Industry: at === 3 ? "x".repeat(300) : "Energy" })),
    { allowRecursive: true },
  );
  assert.deepEqual(changed.filter((one) => !one.success).map((one) => one.errors[0].statusCode), ["STRING_TOO_LONG"]);
  const gone = await accounts.destroy(ids, { allowRecursive: true });
  assert.ok(gone.every((one) => one.success));
  assert.equal(await accounts.count({ Name: { $like: "Js %" } }), 0);
  const deleted = await client.query("SELECT Id FROM Account WHERE IsDeleted = true AND Name LIKE 'Js %'", { scanAll: true });
  assert.equal(deleted.totalSize, 450);
});

check("records are upserted by external id", async () => {
  const contacts = client.sobject("Contact");
  const one = { External_Id__c: "js 1", LastName: "Upsert" };
  assert.equal((await contacts.upsert(one, "External_Id__c")).created, true);
  assert.equal((await contacts.upsert({ ...one, Title: "Boss" }, "External_Id__c")).created, false);
  const results = await contacts.upsert([{ ...one, Title: "CEO" }, { External_Id__c: "js 2", LastName: "New" }], "External_Id__c");
  assert.deepEqual(results.map((result) => result.created), [false, true]);
});

check("a user name that another org holds is refused", async () => {
  const problem = await refused(client.sobject("User").create(person("taken", { Username: "taken@elsewhere.example.com" })));
  assert.equal(problem.errorCode, "DUPLICATE_USERNAME");
});

check("changes and deletions of a span are told", async () => {
  const leads = client.sobject("Lead");
  const kept = await leads.create({ LastName: "Kept", Company: "Span" });
  const gone = await leads.create({ LastName: "Gone", Company: "Span" });
  await leads.destroy(gone.id);
  const { now } = await sandbox.control("GET", "state");
  await sandbox.control("POST", "clock", { advanceMs: 120_000 });
  const [start, end] = [new Date(now - 120_000), new Date(now + 120_000)];
  const updated = await leads.updated(start, end);
  assert.ok(updated.ids.includes(kept.id) && !updated.ids.includes(gone.id));
  const deleted = await leads.deleted(start, end);
  assert.ok(deleted.deletedRecords.some((record) => record.id === gone.id));
});

check("a bulk job writes and tells failures", async () => {
  const rows = Array.from({ length: 20 }, (_, at) => person(`bulk${at}`));
  rows[5].Alias = "far too long";
  const told = await client.bulk2.loadAndWaitForResults({ object: "User", operation: "insert", input: rows });
  assert.deepEqual([told.successfulResults.length, told.failedResults.length, told.unprocessedRecords.length], [19, 1, 0]);
  assert.match(told.failedResults[0].sf__Error, /^STRING_TOO_LONG:/);
  const keys = told.successfulResults.map((row) => ({ External_Id__c: row.Username, LastName: row.LastName }));
  const upserted = await client.bulk2.loadAndWaitForResults({
    object: "Contact",
    operation: "upsert",
    externalIdFieldName: "External_Id__c",
    input: keys,
  });
  assert.deepEqual([upserted.successfulResults.length, upserted.failedResults.length], [19, 0]);
});

check("a bulk query is read to its end", async () => {
  const records = await (await client.bulk2.query("SELECT Id, Username FROM User")).toArray();
  const { totalSize } = await client.query("SELECT COUNT() FROM User");
  assert.equal(new Set(records.map((record) => record.Id)).size, totalSize);
});

check("records are made as trees and read in batches", async () => {
  const record = (type, referenceId, fields) => ({ attributes: { type, referenceId }, ...fields });
  const made = await client.requestPost(`/services/data/v${VERSION}/composite/tree/Account`, {
    records: [record("Account", "a", { Name: "Js tree", Contacts: { records: [record("Contact", "c", { LastName: "Js leaf" })] } })],
  });
  assert.deepEqual([made.hasErrors, made.results.length], [false, 2]);
  const read = await client.requestPost(`/services/data/v${VERSION}/composite/batch`, {
    batchRequests: made.results.map(({ id, referenceId }) => ({
      method: "GET",
      url: `v${VERSION}/sobjects/${referenceId === "a" ? "Account" : "Contact"}/${id}`,
    })),
  });
  assert.deepEqual(read.results.map((result) => result.statusCode), [200, 200]);
  assert.equal(read.results[1].result.AccountId, made.results[0].id);
});

check("limits are told", async () => {
  const { DailyApiRequests: daily } = await client.limits();
  assert.ok(daily.Remaining > 0 && daily.Remaining < daily.Max);
  assert.equal(client.limitInfo.apiUsage.limit, daily.Max);
});

check("OAuth with PKCE gives a session that refreshes itself", async () => {
  const { clientId, clientSecret } = sandbox.about;
  for (const secret of [clientSecret, undefined]) {
    const oauth2 = new jsforce.OAuth2({
      loginUrl: sandbox.url,
      clientId,
      clientSecret: secret,
      redirectUri: CALLBACK,
      useVerifier: true,
    });
    const asked = await fetch(oauth2.getAuthorizationUrl({ scope: "api id refresh_token", state: "s" }), { redirect: "manual" });
    const code = new URL(asked.headers.get("location")).searchParams.get("code");
    const mine = new jsforce.Connection({ oauth2, version: VERSION });
    const user = await mine.authorize(code);
    assert.ok(user.id.startsWith("005") && user.organizationId.startsWith("00D"));
    assert.equal(mine.instanceUrl, sandbox.url);
    assert.equal((await mine.identity()).user_id, user.id);
    await sandbox.control("POST", "expire-sessions");
    assert.equal((await mine.query("SELECT Id FROM Profile LIMIT 1")).totalSize, 1);
    assert.equal((await refused(oauth2.requestToken(code))).name, "invalid_grant");
    await mine.logout(true);
  }
});

check("a wrong verifier is refused", async () => {
  const challenge = createHash("sha256").update(randomBytes(32)).digest("base64url");
  const question = new URLSearchParams({
    response_type: "code",
    client_id: sandbox.about.clientId,
    redirect_uri: CALLBACK,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const asked = await fetch(`${sandbox.url}/services/oauth2/authorize?${question}`, { redirect: "manual" });
  const code = new URL(asked.headers.get("location")).searchParams.get("code");
  const form = { grant_type: "authorization_code", code, client_id: sandbox.about.clientId, redirect_uri: CALLBACK };
  const answer = await fetch(`${sandbox.url}/services/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams({ ...form, code_verifier: "somebody else's" }),
  });
  assert.deepEqual([answer.status, (await answer.json()).error], [400, "invalid_request"]);
});

check("with rotation a refresh token works once, and its second use ends the family", async () => {
  const rotating = await Sandbox.start("salesforce", "--records", "5", "--consent", "allow", "--rotate");
  const { clientId, clientSecret } = rotating.about;
  const oauth2 = new jsforce.OAuth2({ loginUrl: rotating.url, clientId, clientSecret, redirectUri: CALLBACK });
  const asked = await fetch(oauth2.getAuthorizationUrl({ scope: "api refresh_token" }), { redirect: "manual" });
  const first = await oauth2.requestToken(new URL(asked.headers.get("location")).searchParams.get("code"));
  const second = await oauth2.refreshToken(first.refresh_token);
  assert.ok(second.refresh_token && second.refresh_token !== first.refresh_token);
  const works = () => connect(rotating.url, second.access_token).query("SELECT Id FROM Profile LIMIT 1");
  assert.equal((await works()).totalSize, 1);
  assert.equal((await refused(oauth2.refreshToken(first.refresh_token))).name, "invalid_grant");
  assert.equal((await refused(works())).errorCode, "INVALID_SESSION_ID");
  assert.equal((await refused(oauth2.refreshToken(second.refresh_token))).name, "invalid_grant");
  assert.equal((await rotating.control("GET", "state")).tokens.reuses, 1);
});

await run();
