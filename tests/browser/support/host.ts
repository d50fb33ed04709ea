import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { ApiError } from "../../../ui/src/backend/bindings/ApiError";
import type { Commands } from "../../../ui/src/backend/bindings/commands";

const PROGRAM = process.env["CONCORD_DEVHOST_BIN"] ?? fileURLToPath(new URL("../../../target/debug/devhost", import.meta.url));

export const PASSPHRASE = "a passphrase for tests";

export interface HostOptions {
  /** Contacts in the sandbox. */
  records?: number;
  /** What the sandbox's consent page does. */
  consent?: "ask" | "allow" | "deny";
  /** Kept when the host ends; without it the data is forgotten. */
  dataDir?: string;
  /** The vault's passphrase; null starts without one. */
  passphrase?: string | null;
  /** Where the built UI is; without it where this repository builds it. */
  ui?: string;
}

/** A contact as the sandbox's CRM shows it to a person. */
export interface Contact {
  id: string;
  properties: Record<string, string>;
  archived: boolean;
}

/** What a command refused to do. */
export class Refusal extends Error {
  readonly refusal: ApiError;
  constructor(refusal: ApiError) {
    super(`${refusal.code}: ${refusal.message}`);
    this.refusal = refusal;
  }
}

/** A running host: the built UI over the real engine, and a HubSpot sandbox beside it. */
export class Host {
  readonly url: string;
  readonly sandbox: string;
  readonly #process: ChildProcess;
  readonly #complaints: () => string;

  private constructor(process: ChildProcess, complaints: () => string, where: { url: string; sandbox: string }) {
    this.#process = process;
    this.#complaints = complaints;
    this.url = where.url;
    this.sandbox = where.sandbox;
  }

  static async start({ records = 40, consent = "ask", dataDir, passphrase = PASSPHRASE, ui }: HostOptions = {}): Promise<Host> {
    if (!existsSync(PROGRAM)) throw new Error(`There is no host at ${PROGRAM}. Build it: cargo build -p acceptance`);
    const { CONCORD_PASSPHRASE: _, DBUS_SESSION_BUS_ADDRESS: __, XDG_RUNTIME_DIR: ___, ...env } = process.env;
    const program = spawn(PROGRAM, ["--records", String(records), "--consent", consent, ...(dataDir ? ["--data-dir", dataDir] : []), ...(ui ? ["--ui", ui] : [])], {
      // Without a session bus nothing of the person who runs this is touched, their keyring least of all.
      env: { ...env, DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere", ...(passphrase === null ? {} : { CONCORD_PASSPHRASE: passphrase }) },
      // It ends when this end of its input does, even if the tests are killed.
      stdio: ["pipe", "pipe", "pipe"],
    });
    let complaints = "";
    program.stderr.setEncoding("utf8").on("data", (said: string) => (complaints += said));
    const lines = createInterface({ input: program.stdout });
    const first = await Promise.race([
      once(lines, "line").then(([line]) => String(line)),
      once(program, "exit").then(([code]) => Promise.reject(new Error(`The host ended with ${code} before it began: ${complaints}`))),
    ]);
    return new Host(program, () => complaints, JSON.parse(first) as { url: string; sandbox: string });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.stdin?.end();
      await ended;
    }
    const { signalCode } = this.#process;
    if (signalCode !== null) throw new Error(`The host was ended by ${signalCode}, and said: ${this.#complaints()}`);
  }

  /** Runs a command as the UI would. */
  async call<K extends keyof Commands>(name: K, request: Commands[K]["request"]): Promise<Commands[K]["answer"]> {
    const answer = await fetch(`${this.url}/api/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.url },
      body: JSON.stringify(request),
    }).catch((cause: unknown) => {
      const { exitCode, signalCode } = this.#process;
      throw new Error(`${name} had no answer; the host ${exitCode ?? signalCode ?? "still runs"}, and said: ${this.#complaints()}`, { cause });
    });
    const body: unknown = await answer.json();
    if (!answer.ok) throw new Refusal(body as ApiError);
    return body as Commands[K]["answer"];
  }

  /** Waits for the next page that the system's browser would have been shown. */
  async opened(): Promise<string> {
    return (await fetch(`${this.url}/__test/opened`)).text();
  }

  /** All contacts of the sandbox. */
  async contacts(): Promise<Contact[]> {
    const answer = await fetch(`${this.sandbox}/__sandbox/contacts?limit=10000`);
    return ((await answer.json()) as { results: Contact[] }).results;
  }

  async contact(id: string): Promise<Contact> {
    const answer = await fetch(`${this.sandbox}/__sandbox/contacts/${id}`);
    if (!answer.ok) throw new Error(`The sandbox has no contact ${id}.`);
    return (await answer.json()) as Contact;
  }

  /** Creates a contact as a person in the CRM would, and gives its id. */
  async createContact(properties: Record<string, string>): Promise<string> {
    return ((await this.#control("contacts", properties)) as { id: string }).id;
  }

  /** Makes access tokens of the sandbox's OAuth app expire. */
  async expireTokens(): Promise<void> {
    await this.#control("expire-tokens");
  }

  /** Moves a contact to the CRM's recycle bin as a person would. */
  async archiveContact(id: string): Promise<void> {
    const answer = await fetch(`${this.sandbox}/__sandbox/contacts/${id}`, { method: "DELETE" });
    if (!answer.ok) throw new Error(`The sandbox did not archive ${id}: ${await answer.text()}`);
  }

  /** Has the sandbox misbehave in this way only; an empty list mends it. */
  async faults(faults: { method?: string; path?: string; times?: number | "always"; action: unknown }[]): Promise<void> {
    await this.#control("faults", { faults });
  }

  async #control(path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.sandbox}/__sandbox/${path}`, {
      method: "POST",
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`The sandbox refused ${path}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }
}
