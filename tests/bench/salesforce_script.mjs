// Reads all users with jsforce, compares them with what is on file and writes what differs.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const jsforce = createRequire(new URL("../conformance/salesforce/package.json", import.meta.url))("jsforce");

const FIELDS = ["Username", "Email", "FirstName", "LastName", "Phone"];
const [url, accessToken, folder] = process.argv.slice(2);
const client = new jsforce.Connection({ instanceUrl: url, accessToken, version: "66.0" });
const file = `${folder}/people.json`;
const known = new Map(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : []);
let written = 0;
let page = await client.query(`SELECT Id, ${FIELDS.join(", ")} FROM User`);
for (;;) {
  for (const one of page.records) {
    const text = JSON.stringify(FIELDS.map((name) => one[name]));
    if (known.get(one.Id) !== text) {
      known.set(one.Id, text);
      written += 1;
    }
  }
  if (page.done) break;
  page = await client.queryMore(page.nextRecordsUrl);
}
if (written > 0) writeFileSync(file, JSON.stringify([...known]));
console.log(written);
