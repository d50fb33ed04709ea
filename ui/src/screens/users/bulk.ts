import type { DeleteEffect } from "../../backend/bindings/DeleteEffect";
import type { DeleteForesight } from "../../backend/bindings/DeleteForesight";
import type { ObjectRefused } from "../../backend/bindings/ObjectRefused";
import type { ObjectsChanged } from "../../backend/bindings/ObjectsChanged";

/** Objects in one request; the backend takes a few more. */
const PART = 200;
const NAMED = 3;

export function parts(ids: string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / PART) }, (_, index) => ids.slice(index * PART, (index + 1) * PART));
}

/** What deleting all parts would do: counts added up, examples of each, in the order of the mappings. */
export function together(foresights: DeleteForesight[]): DeleteForesight {
  const effects = new Map<string, DeleteEffect>();
  for (const effect of foresights.flatMap((one) => one.effects)) {
    const key = JSON.stringify([effect.mapping, effect.action, effect.situation, effect.needsYou]);
    const before = effects.get(key);
    effects.set(key, before ? { ...before, count: before.count + effect.count, examples: [...before.examples, ...effect.examples].slice(0, NAMED) } : effect);
  }
  const sum = (of: (one: DeleteForesight) => number) => foresights.reduce((total, one) => total + of(one), 0);
  return { objects: sum(({ objects }) => objects), leftAlone: sum(({ leftAlone }) => leftAlone), effects: [...effects.values()] };
}

export interface Progress {
  done: number;
  refused: ObjectRefused[];
  /** Objects of all parts that were carried out so far. */
  looked: number;
}

/** Carries a change out part by part; `onProgress` hears of each, and may stop it by saying no. */
export async function carryOut(ids: string[], change: (part: string[]) => Promise<ObjectsChanged>, onProgress: (progress: Progress) => boolean): Promise<Progress> {
  let progress: Progress = { done: 0, refused: [], looked: 0 };
  for (const part of parts(ids)) {
    // One after the other: each is several transactions, and their order is what a person can follow.
    // oxlint-disable-next-line no-await-in-loop
    const { done, refused } = await change(part);
    progress = { done: progress.done + done, refused: [...progress.refused, ...refused], looked: progress.looked + part.length };
    if (!onProgress(progress)) break;
  }
  return progress;
}
