import { i18n } from "@lingui/core";

import "../locales/language";

const plain = new Intl.NumberFormat(i18n.locale);
const short = new Intl.NumberFormat(i18n.locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 4812 -> "4,812". */
export function number(value: number): string {
  return plain.format(value);
}

/** From this on a number is shortened where there is little room. */
const LONG = 100_000;
const shortened = new Intl.NumberFormat(i18n.locale, { notation: "compact", maximumFractionDigits: 1 });

/** 5000000 -> "5M", 4812 -> "4,812": a number that is not cut where it has little room. */
export function compact(value: number): string {
  return value < LONG ? number(value) : shortened.format(value);
}

/** 0.64 -> "0.6". */
export function tenth(value: number): string {
  return short.format(value);
}
