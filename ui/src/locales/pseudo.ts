const LETTERS: Record<string, string> = Object.fromEntries([..."abcdefghijklmnopqrstuvwxyz"].map((letter, index) => [letter, "áƀçđéƒĝĥíĵķĺɱñóþǫŕšťúṽŵẋýž"[index] ?? letter]));

/** Words in letters of no language, still to be read: what is not in them on the screen did not come from the catalogue. Tags stay. */
export function pseudo(words: string): string {
  return words.replace(/<\/?\d+\/?>|[a-z]/gi, (found) => LETTERS[found] ?? LETTERS[found.toLowerCase()]?.toUpperCase() ?? found);
}
