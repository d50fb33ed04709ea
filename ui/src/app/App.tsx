import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type RouterHistory, RouterProvider } from "@tanstack/react-router";
import { useState } from "react";

import { makeRouter } from "./router";

export function App({ history }: { history?: RouterHistory }) {
  const [router] = useState(() => makeRouter(history));
  const [client] = useState(makeClient);
  return (
    <I18nProvider i18n={i18n}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}

function makeClient() {
  return new QueryClient({
    defaultOptions: {
      // The backend is on this machine: whether the network is up says nothing about it, and an error that it reports
      // is final until something changes.
      queries: { networkMode: "always", retry: false, staleTime: 500, refetchOnWindowFocus: "always" },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
