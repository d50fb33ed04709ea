import { Tab } from "react-aria-components";

/** A tab in the head of a screen. */
export function PageTab({ id, mark, children }: { id: string; /** What a dot beside it means. */ mark?: string | undefined; children: string }) {
  return (
    <Tab
      id={id}
      className="flex h-8 items-center gap-1.5 rounded-t-sm border-b-2 border-transparent px-0.5 whitespace-nowrap text-soft hover:text-ink data-[selected]:border-accent data-[selected]:font-medium data-[selected]:text-ink"
    >
      {children}
      {mark && <span role="img" aria-label={mark} className="size-1.5 rounded-full bg-waits" />}
    </Tab>
  );
}
