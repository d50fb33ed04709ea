import type { ReadyMapping } from "../../../backend/bindings/ReadyMapping";

/** Mappings that share their links: usually one in each direction. */
export interface Pair {
  id: string;
  title: string;
  members: ReadyMapping[];
  /** All of them are there already. */
  there: boolean;
  /** Why none of them can be added. */
  problem: string | null;
}

/** The mappings that come along, those that belong together as one choice. */
export function pairsOf(mappings: ReadyMapping[]): Pair[] {
  return mappings
    .filter(({ links }) => links === null || !mappings.some(({ name }) => name === links))
    .map((first) => {
      const members = [first, ...mappings.filter(({ links }) => links === first.name)];
      const both = members.length > 1;
      return {
        id: first.name,
        title: `${first.sourceTitle} ${both ? "\u21c4" : "\u2192"} ${first.targetTitle}`,
        members,
        there: members.every(({ there }) => there),
        problem: members.map(({ problem }) => problem).find((problem) => problem !== null) ?? null,
      };
    });
}

/** What is added for a choice: not what is there already, and a mapping that stands on another's links only with it. */
export function toAdd(pair: Pair, wanted: Set<string>): ReadyMapping[] {
  const first = pair.members[0];
  return pair.members.filter((member) => !member.there && wanted.has(member.name) && (member === first || first?.there === true || wanted.has(first?.name ?? "")));
}

/** The mapping whose preview says most to somebody who has just connected a system: the one that reads what is in it. */
export function firstToSee(adding: ReadyMapping[]): string {
  return (adding.find(({ target }) => target.startsWith("managed/")) ?? adding[0])?.name ?? "";
}
