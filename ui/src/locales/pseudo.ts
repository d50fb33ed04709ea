const WIDE = 0xff00 - 0x20;

/** Words in wide letters, still to be read: what is in others on the screen did not come from the catalogue. Tags stay. */
export function pseudo(words: string): string {
  return words.replace(/<\/?\d+\/?>|[a-z]/gi, (found) => (found.length > 1 ? found : String.fromCharCode(found.charCodeAt(0) + WIDE)));
}
