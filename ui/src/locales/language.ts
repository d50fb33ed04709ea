import { i18n, type Messages } from "@lingui/core";

const KEY = "language";

/** Every catalogue that stands beside this file: a language is there as soon as its file is. */
const catalogues = import.meta.glob<Messages>("./*/messages.po", { eager: true, import: "messages" });

export interface Language {
  code: string;
  /** Its name in its own words. */
  name: string;
}

/** The languages that the window speaks. */
export const LANGUAGES: Language[] = Object.keys(catalogues)
  .map((path) => path.split("/")[1] ?? "en")
  .map((code) => ({ code, name: new Intl.DisplayNames([code], { type: "language" }).of(code) ?? code }));

/** The language that was chosen, else the first one of the computer's that is there, else English. */
export function language(): string {
  const wished = [localStorage.getItem(KEY), ...navigator.languages];
  for (const tag of wished) {
    const found = LANGUAGES.find(({ code }) => tag === code || tag?.split("-")[0] === code);
    if (found) return found.code;
  }
  return "en";
}

/** Every text was made in the language before, some of it as the program was read: the window starts anew. */
export function setLanguage(code: string): void {
  localStorage.setItem(KEY, code);
  location.reload();
}

const spoken = language();
i18n.load(spoken, catalogues[`./${spoken}/messages.po`] ?? {});
i18n.activate(spoken);
document.documentElement.lang = spoken;

/** For dates: English ones are written the way most of the world does. */
export const DATES = spoken === "en" ? "en-GB" : spoken;
