import { i18n } from "@lingui/core";

import "../locales/language";

const plain = new Intl.NumberFormat(i18n.locale);
const short = new Intl.NumberFormat(i18n.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 4812 -> "4,812". */
export function number(value: number): string {
  return plain.format(value);
}

/** 0.64 -> "0.6". */
export function tenth(value: number): string {
  return short.format(value);
}
