import { Dialog } from "../parts/Dialog";
import { JUMPS, PLACES } from "./places";

const EVERYWHERE: [string, string][] = [
  ["Ctrl K", "Commands: go anywhere, do anything"],
  ["?", "This list"],
  ["/", "Search on this screen"],
  ["Alt \u2190 \u2192", "Back and forward"],
  ["Esc", "Close what is open"],
];

const TABLES: [string, string][] = [
  ["\u2191 \u2193", "Move between rows"],
  ["Enter", "Open a row"],
  ["Home End", "First and last row"],
];

const INBOX: [string, string][] = [["J K", "Next and previous question"]];

const EDITOR: [string, string][] = [
  ["Ctrl S", "Save"],
  ["Ctrl Z", "Undo the last change"],
];

/** Every key that does something by itself. */
export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  const labels = new Map(PLACES.flatMap((group) => group.places).map(({ to, label }) => [to, label]));
  const jumps = Object.entries(JUMPS).map(([key, to]): [string, string] => [`G ${key.toUpperCase()}`, `Go to ${labels.get(to) ?? to}`]);
  return (
    <Dialog wide title="Keyboard shortcuts" open={open} onClose={onClose}>
      <div className="-mx-1 grid min-h-0 grid-cols-2 gap-x-6 overflow-y-auto px-1">
        <div>
          <Keys title="Everywhere" keys={EVERYWHERE} />
          <Keys title="In tables" keys={TABLES} />
          <Keys title="In the inbox" keys={INBOX} />
          <Keys title="In editors" keys={EDITOR} />
        </div>
        <Keys title="Go to" keys={jumps} />
      </div>
    </Dialog>
  );
}

function Keys({ title, keys }: { title: string; keys: [string, string][] }) {
  return (
    <section className="mb-4">
      <h3 className="mb-1 text-sm text-soft">{title}</h3>
      <dl className="grid grid-cols-[72px_minmax(0,1fr)] items-baseline gap-y-1">
        {keys.map(([key, words]) => (
          <div key={key} className="contents">
            <dt>
              <kbd className="rounded-sm border border-line px-1.5 font-sans text-xs whitespace-nowrap">{key}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
