import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button, ComboBox, Input, Label, ListBox, ListBoxItem, Popover } from "react-aria-components";

import type { SampleRecord } from "../../../backend/bindings/SampleRecord";
import { ask } from "../../../backend/query";
import { Icon } from "../../../parts/Icon";
import { errorWords } from "../../../words/error";
import { sourceAttributes } from "./document";
import { useEditor } from "./EditorContext";
import { addressOf } from "./records";

const PAUSE = 250;
const MOST_LISTED = 20;

/** The records to try the mapping with: the first ones, or those that a text finds. */
export function useSamples(search: string) {
  const { doc, source } = useEditor();
  const known = new Set(source.attributes.map(({ name }) => name));
  const attributes = sourceAttributes(doc).filter((name) => known.has(name));
  return useQuery({
    ...ask("records_sample", { resource: source.path, search: search || null, attributes, limit: MOST_LISTED }),
    staleTime: 30_000,
    refetchOnWindowFocus: false,
    placeholderData: (old) => old,
  });
}

/** Finds a record of the source by what it begins with. */
export function SamplePicker({ sample, picked, onPick }: {
  /** The record that is shown; the first one until one is picked. */
  sample: SampleRecord | null;
  picked: SampleRecord | null;
  onPick: (record: SampleRecord) => void;
}) {
  const [text, setText] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setSearch((text ?? "").trim()), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  const samples = useSamples(search);
  const records = samples.data?.records ?? [];
  return (
    <ComboBox
      menuTrigger="focus"
      items={records}
      inputValue={text ?? sample?.title ?? ""}
      // A record that only stands in must not end a search when it arrives.
      selectedKey={picked?.id ?? null}
      allowsEmptyCollection
      defaultFilter={() => true}
      onInputChange={(next) => setText(next)}
      onFocus={() => setText("")}
      onBlur={() => setText(null)}
      onSelectionChange={(key) => {
        const record = records.find(({ id }) => id === key);
        if (!record) return;
        onPick(record);
        setText(record.title);
      }}
      className="flex items-center gap-2"
    >
      <Label className="text-soft">{t`Sample`}</Label>
      <div className="relative w-56">
        <Input data-search className="field pr-7" placeholder={samples.isPending ? "" : t`Search records`} dir="auto" />
        <Button aria-label={t`Choose a sample`} className="absolute inset-y-0 right-0 flex w-7 items-center justify-center text-soft hover:text-ink">
          <Icon name="down" size={14} />
        </Button>
      </div>
      {/* Where no record is there at all, the line below says why. */}
      {samples.error && sample && (
        <span role="alert" className="max-w-80 truncate text-sm text-needs" title={errorWords(samples.error)}>
          {errorWords(samples.error)}
        </span>
      )}
      <Popover maxHeight={320} className="z-50 w-(--trigger-width) min-w-[320px] overflow-y-auto rounded-md bg-raised p-1 shadow-float">
        <ListBox<SampleRecord> className="outline-none" renderEmptyState={() => <p className="px-2 py-1 text-soft">{samples.isFetching ? t`Looking\u2026` : t`No record begins so.`}</p>}>
          {(record) => (
            <ListBoxItem id={record.id} textValue={record.title} className="flex h-7 items-center gap-2 rounded-sm px-2 outline-none data-[focused]:bg-picked">
              <bdi className="min-w-0 truncate">{record.title}</bdi>
              <bdi className="ml-auto max-w-[55%] shrink-0 truncate text-sm text-soft">{addressOf(record)}</bdi>
            </ListBoxItem>
          )}
        </ListBox>
        {records.length >= MOST_LISTED && <p className="px-2 py-1 text-sm text-soft">{t`The first ${MOST_LISTED}; type to find others.`}</p>}
      </Popover>
    </ComboBox>
  );
}
