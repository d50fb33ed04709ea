import { createServer } from "node:net";

import type { Host } from "./host";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A connector to the host's sandbox, with these settings and secrets besides. */
export async function connect(host: Host, name: string, settings: Record<string, unknown>, secrets: Record<string, string>): Promise<void> {
  const blank = await host.call("connector_blank", { provider: "hubspot" });
  const configurationProperties = {
    ...(blank.config["configurationProperties"] as Record<string, unknown>),
    apiBaseUrl: host.sandbox,
    ...settings,
  };
  await host.call("connector_save", { create: true, config: { ...blank.config, name, displayName: name, configurationProperties }, secrets });
}

/** A connector with the sandbox's OAuth app, not authorized yet, that comes back to a port of its own. */
export async function connectByOAuth(host: Host, name: string): Promise<void> {
  const settings = {
    clientId: "sandbox-client",
    authorizeUrl: `${host.sandbox}/oauth/authorize`,
    redirectUri: `http://localhost:${await freePort()}/oauth/callback`,
  };
  await connect(host, name, settings, { clientSecret: "sandbox-secret" });
}
