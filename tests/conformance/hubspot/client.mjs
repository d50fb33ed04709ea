// HubSpot's own client for Node against the HubSpot sandbox.

import assert from "node:assert/strict";

import { Client } from "@hubspot/api-client";

import { Sandbox, check, refused, run } from "../checks.mjs";

const RECORDS = 250;
const sandbox = await Sandbox.start("hubspot", "--records", String(RECORDS), "--consent", "allow");
const connect = (options) => new Client({ accessToken: sandbox.about.accessToken, basePath: sandbox.url, ...options });
const client = connect();
const people = client.crm.contacts;
const firms = client.crm.companies;

const person = (properties) => people.basicApi.create({ properties, associations: [] });
const firm = (properties) => firms.basicApi.create({ properties, associations: [] });
const find = (query) =>
  people.searchApi.doSearch({ filterGroups: [], sorts: [], properties: ["email", "firstname"], limit: 200, after: "0", ...query });
const where = (propertyName, operator, rest) => [{ filters: [{ propertyName, operator, ...rest }] }];
const names = (found) => found.results.map((record) => record.properties.firstname);

check("a list is read page by page to its end", async () => {
  const seen = [];
  let after;
  let pages = 0;
  do {
    const page = await people.basicApi.getPage(100, after, ["email", "city"]);
    seen.push(...page.results.map((record) => record.id));
    pages += 1;
    after = page.paging?.next?.after;
    if (after) assert.equal(after, seen.at(-1), "the cursor is the last id");
  } while (after);
  assert.deepEqual([seen.length, new Set(seen).size, pages], [RECORDS, RECORDS, 3]);
});

check("getAll goes through every page", async () => {
  assert.equal((await people.getAll()).length, RECORDS);
  assert.equal((await firms.getAll()).length, Math.floor(RECORDS / 20));
});

check("a page of more than a hundred is refused", async () => {
  const problem = await refused(people.basicApi.getPage(101));
  assert.deepEqual([problem.code, problem.body.category], [400, "VALIDATION_ERROR"]);
});

check("a contact is created, read, changed and archived", async () => {
  const made = await person({ email: "js.crud@example.org", firstname: "Ann", annual_spend: "12.5" });
  assert.equal(made.properties.email, "js.crud@example.org");
  assert.ok(made.createdAt instanceof Date && made.archived === false);
  const read = await people.basicApi.getById(made.id, ["annual_spend", "city"]);
  assert.deepEqual([read.properties.annual_spend, read.properties.city], ["12.5", null]);
  const changed = await people.basicApi.update(made.id, { properties: { firstname: "", city: "Here" } });
  assert.deepEqual([changed.properties.firstname, changed.properties.city], [null, "Here"]);
  await people.basicApi.archive(made.id);
  assert.equal((await refused(people.basicApi.getById(made.id))).code, 404);
  const gone = await people.basicApi.getById(made.id, undefined, undefined, undefined, true);
  assert.ok(gone.archived && gone.archivedAt instanceof Date);
});

check("a contact is found by its address, whatever the case", async () => {
  const made = await person({ email: "js.mail@example.org" });
  const read = await people.basicApi.getById("JS.Mail@example.org", undefined, undefined, undefined, false, "email");
  assert.equal(read.id, made.id);
  const changed = await people.basicApi.update("js.mail@example.org", { properties: { city: "There" } }, "email");
  assert.equal(changed.id, made.id);
});

check("the history of a property says who wrote it", async () => {
  const made = await person({ email: "js.history@example.org", city: "One" });
  await people.basicApi.update(made.id, { properties: { city: "Two" } });
  const read = await people.basicApi.getById(made.id, undefined, ["city"]);
  const values = read.propertiesWithHistory.city.map((change) => [change.value, change.sourceType]);
  assert.deepEqual(values, [["Two", "INTEGRATION"], ["One", "INTEGRATION"]]);
});

check("an address that is taken is a conflict with the holder's id", async () => {
  const made = await person({ email: "js.taken@example.org" });
  const problem = await refused(person({ email: "JS.TAKEN@example.org" }));
  assert.deepEqual([problem.code, problem.body.category], [409, "CONFLICT"]);
  assert.equal(problem.body.message, `Contact already exists. Existing ID: ${made.id}`);
});

check("values that are not valid are named all together", async () => {
  const problem = await refused(person({ email: "nonsense", nosuch: "1", lifecyclestage: "Lead" }));
  assert.deepEqual([problem.code, problem.body.category], [400, "VALIDATION_ERROR"]);
  const { message } = problem.body;
  const codes = JSON.parse(message.slice(message.indexOf("["))).map((entry) => entry.error);
  assert.deepEqual(codes.sort(), ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST"]);
});

check("a record that is not there, and a token that is nobody's", async () => {
  assert.equal((await refused(people.basicApi.getById("999999999"))).code, 404);
  const problem = await refused(connect({ accessToken: "test-token-1" }).crm.contacts.basicApi.getPage());
  assert.deepEqual([problem.code, problem.body.category], [401, "INVALID_AUTHENTICATION"]);
});

check("a batch creates a hundred", async () => {
  const inputs = Array.from({ length: 100 }, (_, at) => ({ properties: { email: `js.batch${at}@example.org` }, associations: [] }));
  const answer = await people.batchApi.create({ inputs });
  assert.deepEqual([answer.status, answer.results.length], ["COMPLETE", 100]);
  assert.equal((await refused(people.batchApi.create({ inputs: [...inputs, inputs[0]] }))).code, 400);
});

check("a batch with trace ids tells input by input", async () => {
  const made = await person({ email: "js.trace@example.org" });
  const inputs = [["one", "js.trace.new@example.org"], ["two", "js.trace@example.org"]].map(([objectWriteTraceId, email]) => ({
    properties: { email },
    associations: [],
    objectWriteTraceId,
  }));
  const answer = await people.batchApi.create({ inputs });
  assert.deepEqual(answer.results.map((done) => done.objectWriteTraceId), ["one"]);
  assert.deepEqual([answer.numErrors, answer.errors[0].category], [1, "CONFLICT"]);
  assert.deepEqual(answer.errors[0].context, { objectWriteTraceId: ["two"] });
  assert.equal(answer.errors[0].message, `Contact already exists. Existing ID: ${made.id}`);
});

check("a batch without trace ids is all or nothing", async () => {
  await person({ email: "js.whole@example.org" });
  const inputs = ["js.whole.new@example.org", "js.whole@example.org"].map((email) => ({ properties: { email }, associations: [] }));
  assert.equal((await refused(people.batchApi.create({ inputs }))).code, 409);
  assert.equal((await find({ filterGroups: where("email", "EQ", { value: "js.whole.new@example.org" }) })).total, 0);
});

check("a batch reads by id and by address, and names what is missing", async () => {
  const made = await person({ email: "js.read@example.org", city: "Here" });
  const byId = await people.batchApi.read({ inputs: [{ id: made.id }], properties: ["city"], propertiesWithHistory: [] });
  assert.equal(byId.results[0].properties.city, "Here");
  const answer = await people.batchApi.read({
    inputs: [{ id: "JS.read@example.org" }, { id: "nobody@example.org" }],
    idProperty: "email",
    properties: [],
    propertiesWithHistory: [],
  });
  assert.deepEqual(answer.results.map((record) => record.id), [made.id]);
  assert.deepEqual([answer.numErrors, answer.errors[0].category], [1, "OBJECT_NOT_FOUND"]);
  assert.deepEqual(answer.errors[0].context, { ids: ["nobody@example.org"] });
});

check("a batch changes by id", async () => {
  const [one, two] = [await person({ email: "js.up1@example.org" }), await person({ email: "js.up2@example.org" })];
  const answer = await people.batchApi.update({
    inputs: [{ id: one.id, properties: { city: "A" } }, { id: two.id, properties: { city: "B" } }],
  });
  assert.deepEqual(answer.results.map((record) => record.properties.city).sort(), ["A", "B"]);
  const partly = await people.batchApi.update({ inputs: [{ id: one.id, properties: {} }, { id: "999999999", properties: {} }] });
  assert.deepEqual([partly.results.length, partly.errors[0].context], [1, { ids: ["999999999"] }]);
});

check("a batch upserts by address", async () => {
  const made = await person({ email: "js.upsert@example.org" });
  const inputs = ["JS.upsert@example.org", "js.upsert.new@example.org"].map((id) => ({ id, idProperty: "email", properties: { city: "Up" } }));
  const answer = await people.batchApi.upsert({ inputs });
  assert.deepEqual(answer.results.map((record) => record._new), [false, true]);
  assert.equal(answer.results[0].id, made.id);
});

check("a batch archives, and says nothing of what was gone", async () => {
  const made = await person({ email: "js.archive@example.org" });
  await people.batchApi.archive({ inputs: [{ id: made.id }, { id: "999999999" }] });
  assert.equal((await refused(people.basicApi.getById(made.id))).code, 404);
});

check("a search finds by every operator", async () => {
  for (const [firstname, annual_spend] of [["Uno", "10"], ["Due", "20"], ["Tre", "30"], ["Quattro", ""]]) {
    await person({ firstname, lastname: "Jssearch", annual_spend });
  }
  const only = { propertyName: "lastname", operator: "EQ", value: "jssearch" };
  for (const [filter, expected] of [
    [{ operator: "EQ", value: "20" }, ["Due"]],
    [{ operator: "NEQ", value: "20" }, ["Uno", "Tre"]],
    [{ operator: "LT", value: "20" }, ["Uno"]],
    [{ operator: "LTE", value: "20" }, ["Uno", "Due"]],
    [{ operator: "GT", value: "20" }, ["Tre"]],
    [{ operator: "GTE", value: "20" }, ["Due", "Tre"]],
    [{ operator: "BETWEEN", value: "15", highValue: "30" }, ["Due", "Tre"]],
    [{ operator: "IN", values: ["10", "30"] }, ["Uno", "Tre"]],
    [{ operator: "NOT_IN", values: ["10", "30"] }, ["Due"]],
    [{ operator: "HAS_PROPERTY" }, ["Uno", "Due", "Tre"]],
    [{ operator: "NOT_HAS_PROPERTY" }, ["Quattro"]],
    [{ propertyName: "firstname", operator: "CONTAINS_TOKEN", value: "qua*" }, ["Quattro"]],
    [{ propertyName: "firstname", operator: "NOT_CONTAINS_TOKEN", value: "qua*" }, ["Uno", "Due", "Tre"]],
  ]) {
    const found = await find({ filterGroups: [{ filters: [only, { propertyName: "annual_spend", ...filter }] }] });
    assert.deepEqual(names(found), expected, JSON.stringify(filter));
  }
});

check("a search is sorted and paged", async () => {
  for (const firstname of ["Bea", "Abe", "Cem"]) await person({ firstname, lastname: "Jssorted" });
  const query = { filterGroups: where("lastname", "EQ", { value: "jssorted" }), sorts: ["-firstname"], limit: 2 };
  const first = await find(query);
  assert.deepEqual([first.total, names(first)], [3, ["Cem", "Bea"]]);
  const second = await find({ ...query, after: first.paging.next.after });
  assert.deepEqual([names(second), second.paging], [["Abe"], undefined]);
});

check("a search ends at ten thousand", async () => {
  const problem = await refused(find({ after: "9900" }));
  assert.deepEqual([problem.code, problem.body.category], [400, "VALIDATION_ERROR"]);
});

check("contacts are merged, and both ids lead to the new one", async () => {
  const [one, two] = [await person({ email: "js.m1@example.org", city: "One" }), await person({ email: "js.m2@example.org", phone: "2" })];
  const merged = await people.basicApi.merge({ primaryObjectId: one.id, objectIdToMerge: two.id });
  assert.deepEqual([merged.properties.city, merged.properties.phone], ["One", "2"]);
  for (const { id } of [one, two]) assert.equal((await people.basicApi.getById(id)).id, merged.id);
});

check("properties are described, created, changed and archived", async () => {
  const { coreApi } = client.crm.properties;
  const described = new Map((await coreApi.getAll("contacts")).results.map((property) => [property.name, property]));
  assert.equal(described.get("lifecyclestage").options[1].value, "lead");
  assert.equal(described.get("createdate").modificationMetadata.readOnlyValue, true);
  const made = await coreApi.create("contacts", {
    name: "js_number", label: "Number", type: "number", fieldType: "number", groupName: "contactinformation", hasUniqueValue: true,
  });
  assert.deepEqual([made.name, made.hasUniqueValue, made.hubspotDefined], ["js_number", true, false]);
  assert.equal((await coreApi.update("contacts", "js_number", { label: "Other" })).label, "Other");
  await coreApi.archive("contacts", "js_number");
  assert.equal((await refused(coreApi.getByName("contacts", "js_number"))).code, 404);
  assert.ok((await coreApi.getAll("contacts", true)).results.some((property) => property.name === "js_number"));
});

check("properties go in batches and in groups", async () => {
  const { groupsApi, batchApi } = client.crm.properties;
  await groupsApi.create("companies", { name: "js_group", label: "Ours", displayOrder: 1 });
  assert.equal((await groupsApi.update("companies", "js_group", { label: "Theirs" })).label, "Theirs");
  const inputs = ["js_text0", "js_text1"].map((name) => ({ name, label: "T", type: "string", fieldType: "text", groupName: "js_group" }));
  assert.equal((await batchApi.create("companies", { inputs })).results.length, 2);
  const asked = ["js_text0", "js_text1", "nosuch"].map((name) => ({ name }));
  const read = await batchApi.read("companies", { inputs: asked, archived: false });
  assert.deepEqual([read.results.length, read.numErrors], [2, 1]);
  await batchApi.archive("companies", { inputs: asked.slice(0, 2) });
  await groupsApi.archive("companies", "js_group");
  assert.ok(!(await groupsApi.getAll("companies")).results.some((group) => group.name === "js_group"));
});

check("contacts and companies are associated", async () => {
  const { basicApi, batchApi } = client.crm.associations.v4;
  const [man, acme, zeta] = [await person({ email: "js.assoc@example.org" }), await firm({ name: "Acme" }), await firm({ name: "Zeta" })];
  await basicApi.createDefault("contacts", man.id, "companies", acme.id);
  const link = { associationCategory: "HUBSPOT_DEFINED", associationTypeId: 279 };
  await basicApi.create("contacts", man.id, "companies", zeta.id, [link]);
  const linked = (await basicApi.getPage("contacts", man.id, "companies")).results;
  assert.deepEqual(linked.map((to) => String(to.toObjectId)).sort(), [acme.id, zeta.id].sort());
  assert.deepEqual(linked[0].associationTypes.map((type) => type.typeId).sort((a, b) => a - b), [1, 279]);
  const back = await batchApi.getPage("companies", "contacts", { inputs: [{ id: acme.id }] });
  assert.deepEqual(back.results[0].to.map((to) => String(to.toObjectId)), [man.id]);
  await basicApi.archive("contacts", man.id, "companies", acme.id);
  assert.deepEqual((await basicApi.getPage("contacts", man.id, "companies")).results.map((to) => String(to.toObjectId)), [zeta.id]);
  const made = await batchApi.create("contacts", "companies", { inputs: [{ _from: { id: man.id }, to: { id: acme.id }, types: [link] }] });
  assert.equal(made.results.length, 1);
  await batchApi.archive("contacts", "companies", { inputs: [{ _from: { id: man.id }, to: [{ id: acme.id }, { id: zeta.id }] }] });
  assert.deepEqual((await basicApi.getPage("contacts", man.id, "companies")).results, []);
});

check("owners are listed and read", async () => {
  const page = await client.crm.owners.ownersApi.getPage(undefined, undefined, 2);
  assert.ok(page.results.length === 2 && page.paging);
  const owner = await client.crm.owners.ownersApi.getById(Number(page.results[0].id));
  assert.equal(owner.id, page.results[0].id);
  const rest = await client.crm.owners.ownersApi.getPage(undefined, page.paging.next.after, 2);
  assert.ok(rest.results.length === 1 && !rest.paging);
});

check("tokens are had, renewed, described and revoked", async () => {
  const { clientId, clientSecret } = sandbox.about;
  const redirect = "http://localhost:5000/back";
  const page = new URL(client.oauth.getAuthorizationUrl(clientId, redirect, "oauth crm.objects.contacts.read", undefined, "s 1"));
  const sent = await fetch(`${sandbox.url}/oauth/authorize${page.search}`, { redirect: "manual" });
  const back = new URL(sent.headers.get("location"));
  assert.equal(back.searchParams.get("state"), "s 1");
  const { tokensApi, accessTokensApi, refreshTokensApi } = client.oauth;
  const first = await tokensApi.create("authorization_code", back.searchParams.get("code"), redirect, clientId, clientSecret);
  assert.deepEqual([first.tokenType, first.expiresIn], ["bearer", 1800]);
  const renew = () => tokensApi.create("refresh_token", undefined, undefined, clientId, clientSecret, first.refreshToken);
  const second = await renew();
  const about = await accessTokensApi.get(second.accessToken);
  assert.deepEqual([...about.scopes].sort(), ["crm.objects.contacts.read", "oauth"]);
  const signedIn = connect({ accessToken: second.accessToken });
  assert.equal((await signedIn.crm.contacts.basicApi.getPage(1)).results.length, 1);
  const write = await refused(signedIn.crm.contacts.basicApi.create({ properties: { email: "js.scope@example.org" }, associations: [] }));
  assert.deepEqual([write.code, write.body.category], [403, "MISSING_SCOPES"]);
  await sandbox.control("POST", "expire-tokens");
  const late = await refused(signedIn.crm.contacts.basicApi.getPage());
  assert.deepEqual([late.code, late.body.category], [401, "EXPIRED_AUTHENTICATION"]);
  await refreshTokensApi.archive(first.refreshToken);
  const dead = await refused(renew());
  assert.deepEqual([dead.code, dead.body.status], [400, "BAD_REFRESH_TOKEN"]);
});

check("the dated versions answer plain requests alike", async () => {
  for (const version of ["2026-03", "2026-09"]) {
    const answer = await client.apiRequest({ path: `/crm/objects/${version}/contacts?limit=3` });
    assert.equal((await answer.json()).results.length, 3);
  }
});

check("a limit and a bad gateway are waited out by the client's own retry", async () => {
  const faults = [
    { path: "*/contacts", action: { tooManyRequests: { policy: "SECONDLY" } } },
    { path: "*/contacts", nth: 2, action: { answer: { status: 502, body: { message: "Bad gateway" } } } },
  ];
  await sandbox.misbehave(...faults);
  const problem = await refused(people.basicApi.getPage());
  assert.deepEqual([problem.code, problem.body.policyName], [429, "SECONDLY"]);
  await sandbox.misbehave(...faults);
  assert.equal((await connect({ numberOfApiCallRetries: 4 }).crm.contacts.basicApi.getPage(100)).results.length, 100);
  await sandbox.misbehave();
});

check("the search limit holds, and the client's own limiter keeps below it", async () => {
  const strict = await Sandbox.start("hubspot", "--records", "10", "--limits", "professional");
  const search = { filterGroups: [], sorts: [], properties: [], limit: 1, after: "0" };
  const ask = (options) => {
    const { searchApi } = new Client({ accessToken: strict.about.accessToken, basePath: strict.url, ...options }).crm.contacts;
    return Promise.allSettled(Array.from({ length: 12 }, () => searchApi.doSearch(search)));
  };
  const hasty = (await ask()).filter((one) => one.status === "rejected");
  assert.ok(hasty.length > 0 && hasty.every((one) => one.reason.body.message === "You have reached your secondly limit."));
  const limiterOptions = { minTime: 250, maxConcurrent: 4, id: "search" };
  // What the hasty ones used up is asked for again.
  const careful = await ask({ limiterOptions, numberOfApiCallRetries: 3 });
  assert.deepEqual(careful.map((one) => one.value?.total), Array(12).fill(10));
});

await run();
