import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MutationCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RouterHistory, RouterProvider } from "@tanstack/react-router";
import { useState } from "react";

import { refresh } from "../backend/query";
import { connectors, mappings, overview } from "../screens/dashboard/queries";
import { appStatus } from "./queries";
import { makeRouter } from "./router";

export function App({ history }: { history?: RouterHistory }) {
  const [router] = useState(() => makeRouter(history));
  const [client] = useState(() => asked(makeClient(), router.history.location.pathname));
  return (
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}

/** Asks what the first screen will show before anything is drawn, all at once. What fails is asked again by the screen. */
function asked(client: QueryClient, path: string): QueryClient {
  void client.prefetchQuery(appStatus);
  if (path === "/") {
    void client.prefetchQuery(connectors);
    void client.prefetchQuery(mappings);
    void client.prefetchQuery(overview);
  }
  return client;
}

function makeClient() {
  const client = new QueryClient({
    // The vault's page says what to do where a key cannot be kept or read.
    mutationCache: new MutationCache({ onError: (error) => void (error.code === "locked" && refresh(client, "app_status")) }),
    defaultOptions: {
      // The backend is on this machine: whether the network is up says nothing about it, and an error that it reports
      // is final until something changes.
      queries: { networkMode: "always", retry: false, staleTime: 500, refetchOnWindowFocus: "always" },
      mutations: { networkMode: "always", retry: false },
    },
  });
  return client;
}
