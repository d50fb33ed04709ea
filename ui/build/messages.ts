import { type PluginItem, transformAsync } from "@babel/core";
import linguiMacro from "@lingui/babel-plugin-lingui-macro";
import { makeConfig } from "@lingui/conf";
import type { Plugin } from "vite";

import { compiled } from "../src/locales/catalogue.ts";
import { readPo } from "../src/locales/po.ts";

/** What Lingui has to know; its own search for a file of settings is not used. */
const lingui = makeConfig({ locales: ["en"], sourceLocale: "en" }, { skipValidation: true });

/** The step that turns the macros `t`, `plural`, `Trans` and `Plural` into messages with an id; `extract` keeps their words. */
export function macro(extract: boolean): PluginItem {
  return [linguiMacro, { linguiConfig: lingui, extract }];
}

/** Messages in the source become ids, catalogues (`*.po`) become modules of ready messages: nothing is parsed or evaluated in the window. */
export function messages(): Plugin {
  return {
    name: "concord-messages",
    enforce: "pre",
    async transform(code, id) {
      if (id.endsWith(".po")) return { code: `export const messages = JSON.parse(${JSON.stringify(JSON.stringify(compiled(readPo(code))))});`, moduleType: "js", map: null };
      if (!/\.tsx?$/.test(id) || !code.includes("@lingui/")) return null;
      const result = await transformAsync(code, {
        filename: id,
        configFile: false,
        babelrc: false,
        sourceMaps: true,
        parserOpts: { plugins: id.endsWith("x") ? ["typescript", "jsx"] : ["typescript"] },
        plugins: [macro(false)],
      });
      return result?.code ? { code: result.code, map: result.map } : null;
    },
  };
}
