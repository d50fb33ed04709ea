import { type PluginItem, transformAsync } from "@babel/core";
import linguiMacro from "@lingui/babel-plugin-lingui-macro";
import { makeConfig } from "@lingui/conf";
import type { Plugin } from "vite";

import { compiled } from "../src/locales/catalogue.ts";
import { readPo } from "../src/locales/po.ts";

/** What Lingui has to know; its own search for a file of settings is not used. */
const lingui = makeConfig({ locales: ["en"], sourceLocale: "en", runtimeConfigModule: { Trans: ["/src/parts/Trans.tsx", "Trans"] } }, { skipValidation: true });

/** The step that turns the macros `t`, `plural`, `Trans` and `Plural` into messages with an id; `extract` keeps their words. */
export function macro(extract: boolean): PluginItem {
  return [linguiMacro, { linguiConfig: lingui, extract }];
}

/** How a message looks once the macros are through. */
const MADE = /\/\*i18n\*\/\s*\{\s*id: "([^"]+)"/g;

/** Messages in the source become ids, catalogues (`*.po`) become modules of ready messages: nothing is parsed or evaluated in the window. */
export function messages(): Plugin {
  const used = new Map<string, string>();
  const known = new Set<string>();
  let building = false;
  return {
    name: "concord-messages",
    enforce: "pre",
    configResolved({ command }) {
      building = command === "build";
    },
    async transform(code, id) {
      if (id.endsWith(".po")) {
        const ready = compiled(readPo(code));
        if (id.endsWith("/en/messages.po")) for (const key of Object.keys(ready)) known.add(key);
        return { code: `export const messages = JSON.parse(${JSON.stringify(JSON.stringify(ready))});`, moduleType: "js", map: null };
      }
      if (!/\.tsx?$/.test(id) || !code.includes("@lingui/")) return null;
      const result = await transformAsync(code, {
        filename: id,
        configFile: false,
        babelrc: false,
        sourceMaps: true,
        parserOpts: { plugins: id.endsWith("x") ? ["typescript", "jsx"] : ["typescript"] },
        plugins: [macro(false)],
      });
      if (!result?.code) return null;
      for (const [, key = ""] of result.code.matchAll(MADE)) used.set(key, id);
      return { code: result.code, map: result.map };
    },
    // A window would show the bare id.
    buildEnd(failed) {
      const missing = failed || !building ? [] : [...used].filter(([key]) => !known.has(key));
      if (missing.length > 0) this.error(`Messages of ${[...new Set(missing.map(([, file]) => file))].join(", ")} are not in src/locales/en/messages.po. Run npm run messages, then build again.`);
    },
  };
}
