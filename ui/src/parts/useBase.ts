import { useState } from "react";

/**
 * What edits are made on. It follows what is stored until the first edit and then stands, whatever others save meanwhile,
 * so that a save sends the revision that the edits were based on. The second part puts another base under the edits.
 */
export function useBase<T>(stored: T, edited: boolean): [T, (base: T) => void] {
  const [base, setBase] = useState(stored);
  if (!edited && base !== stored) setBase(stored);
  return [edited ? base : stored, setBase];
}
