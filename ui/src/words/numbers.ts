const plain = new Intl.NumberFormat("en-US");

/** 4812 -> "4,812". */
export function number(value: number): string {
  return plain.format(value);
}

/** (12, "change") -> "12 changes". */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}
