// What the conformance scripts in Node share: checks that run one after the other, and a sandbox to run them on.
//
// A script adds its checks with `check(name, body)` and ends with `await run()`. Each check prints a line, the last line
// is the sum, and the exit code says whether all passed. The sandbox is the real program: CONCORD_BIN names it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

// A client that never ends must not hold up everything after it.
const SECONDS_FOR_ALL = 240;

const checks = [];
const running = [];

/** Adds a check; its name is a sentence. */
export function check(name, body) {
  checks.push([name, body]);
}

/** Runs all checks, ends the sandboxes and leaves. */
export async function run() {
  const watchdog = setTimeout(() => {
    console.log(`FAILED everything: not done after ${SECONDS_FOR_ALL} seconds`);
    running.forEach((sandbox) => sandbox.process.kill());
    process.exit(1);
  }, SECONDS_FOR_ALL * 1000);
  let failed = 0;
  for (const [name, body] of checks) {
    try {
      await body();
      console.log(`ok ${name}`);
    } catch (problem) {
      failed += 1;
      console.error(problem);
      console.log(`FAILED ${name}: ${String(problem?.message ?? problem).split(/\s+/).join(" ")}`);
    }
  }
  clearTimeout(watchdog);
  await Promise.all(running.map((sandbox) => sandbox.end()));
  console.log(`${checks.length - failed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

/** What the promise is refused with. */
export async function refused(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (problem) {
    return problem;
  }
  throw new Error(`expected a refusal, got ${JSON.stringify(answer)}`);
}

/** `concord sandbox PROVIDER` on a free port, until the script ends. */
export class Sandbox {
  static async start(provider, ...options) {
    const program = process.env.CONCORD_BIN;
    if (!program) throw new Error("CONCORD_BIN does not name the program");
    const asked = ["--json", "sandbox", provider, "--addr", "127.0.0.1:0", ...options];
    const child = spawn(program, asked, { stdio: ["ignore", "pipe", "inherit"] });
    const line = await new Promise((told, problem) => {
      child.once("error", problem);
      child.once("exit", (code) => problem(new Error(`${asked.join(" ")} ended with ${code}`)));
      createInterface({ input: child.stdout }).once("line", told);
    });
    const sandbox = new Sandbox();
    sandbox.process = child;
    sandbox.about = JSON.parse(line);
    sandbox.url = sandbox.about.url;
    running.push(sandbox);
    return sandbox;
  }

  /** Asks one of the sandbox's own paths, which no limit and no fault touches. */
  async control(method, path, body) {
    const answer = await fetch(`${this.url}/__sandbox/${path}`, { method, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    const text = await answer.text();
    return text ? JSON.parse(text) : undefined;
  }

  /** Replaces the faults by these; without any, it behaves again. */
  async misbehave(...faults) {
    await this.control("POST", "faults", { faults });
  }

  /** Stops the program. */
  async end() {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((told) => this.process.once("exit", told));
      this.process.kill();
      await ended;
    }
  }
}
