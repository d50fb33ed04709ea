import { t } from "@lingui/core/macro";

import { Dialog } from "../parts/Dialog";
import { JUMPS, PLACES } from "./places";

const EVERYWHERE: [string, string][] = [
  [t`Ctrl K`, t`Commands: go anywhere, do anything`],
  ["?", t`This list`],
  ["/", t`Search on this screen`],
  [t`Alt \u2190 \u2192`, t`Back and forward`],
  [t`Esc`, t`Close what is open`],
];

const TABLES: [string, string][] = [
  ["\u2191 \u2193", t`Move between rows`],
  ["Enter", t`Open a row`],
  [t`Home End`, t`First and last row`],
];

const INBOX: [string, string][] = [["J K", t`Next and previous question`]];

const EDITOR: [string, string][] = [
  [t`Ctrl S`, t`Save`],
  [t`Ctrl Z`, t`Undo the last change`],
];

/** Every key that does something by itself. */
export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  const labels = new Map(PLACES.flatMap((group) => group.places).map(({ to, label }) => [to, label]));
  const jumps = Object.entries(JUMPS).map(([key, to]): [string, string] => [`G ${key.toUpperCase()}`, t`Go to ${labels.get(to) ?? to}`]);
  return (
    <Dialog wide title={t`Keyboard shortcuts`} open={open} onClose={onClose}>
      <div className="-mx-1 grid min-h-0 grid-cols-2 gap-x-6 overflow-y-auto px-1">
        <div>
          <Keys title={t`Everywhere`} keys={EVERYWHERE} />
          <Keys title={t`In tables`} keys={TABLES} />
          <Keys title={t`In the inbox`} keys={INBOX} />
          <Keys title={t`In editors`} keys={EDITOR} />
        </div>
        <Keys title={t`Go to`} keys={jumps} />
      </div>
    </Dialog>
  );
}

function Keys({ title, keys }: { title: string; keys: [string, string][] }) {
  return (
    <section className="mb-4">
      <h3 className="mb-1 text-sm text-soft">{title}</h3>
      <dl className="grid grid-cols-[92px_minmax(0,1fr)] items-baseline gap-y-1">
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
