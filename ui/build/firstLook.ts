import type { Plugin } from "vite";

/** What the window may have to read before its first screen, in characters of script. */
const LIMIT = 600_000;

/** Fails a build whose first screen needs more than it may: somewhere a part for later is imported and not asked for. */
export function firstLook(): Plugin {
  return {
    name: "concord-first-look",
    generateBundle(_, files) {
      const scripts = new Map(Object.values(files).flatMap((file) => (file.type === "chunk" ? [[file.fileName, file]] : [])));
      const needed = new Set([...scripts.values()].filter((script) => script.isEntry));
      for (const script of needed) {
        for (const name of script.imports) {
          const imported = scripts.get(name);
          if (imported) needed.add(imported);
        }
      }
      const size = [...needed].reduce((sum, script) => sum + script.code.length, 0);
      if (size > LIMIT) this.error(`The first screen needs ${size} characters of script and may need ${LIMIT}. Import screens and what only they use through app/screens.ts.`);
    },
  };
}
