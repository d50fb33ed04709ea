import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = process.env["CONCORD_BIN"] ?? fileURLToPath(new URL("../../../target/debug/concord", import.meta.url));

/** A made-up Salesforce organization on a port of its own. */
export class Salesforce {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, access: { url: string; clientId: string; clientSecret: string }) {
    this.#process = process;
    this.url = access.url;
    this.clientId = access.clientId;
    this.clientSecret = access.clientSecret;
  }

  static async start(): Promise<Salesforce> {
    if (!existsSync(PROGRAM)) throw new Error(`There is no program at ${PROGRAM}. Build it: cargo build -p cli`);
    const program = spawn(PROGRAM, ["sandbox", "salesforce", "--addr", "127.0.0.1:0", "--records", "30", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
    let complaints = "";
    program.stderr.setEncoding("utf8").on("data", (said: string) => (complaints += said));
    let document = "";
    const lines = createInterface({ input: program.stdout });
    const access = new Promise<{ url: string; clientId: string; clientSecret: string }>((resolve, reject) => {
      lines.on("line", (line) => {
        document += line;
        try {
          resolve(JSON.parse(document) as { url: string; clientId: string; clientSecret: string });
        } catch {
          // The document has more lines.
        }
      });
      program.on("exit", (code) => reject(new Error(`The sandbox ended with ${code} before it began: ${complaints}`)));
    });
    return new Salesforce(program, await access);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGINT");
    await ended;
  }
}
