import { t } from "@lingui/core/macro";

import { Button, IconButton } from "../../../parts/Button";
import { Suggest, type Suggestion } from "../../../parts/Suggest";
import { removed, replaced } from "./document";
import { useEditor } from "./EditorContext";

const WORDS = {
  attribute: { all: t`Attributes`, one: (number: number) => t`Attribute ${number}`, remove: (number: number) => t`Remove attribute ${number}`, add: t`Add attribute` },
  qualifier: { all: t`Link qualifiers`, one: (number: number) => t`Link qualifier ${number}`, remove: (number: number) => t`Remove link qualifier ${number}`, add: t`Add link qualifier` },
};

/** A list of names, one a row. */
export function NamesField({ of, values, options = [], errors = [], help, onChange }: { of: keyof typeof WORDS; values: string[]; options?: Suggestion[]; errors?: string[]; help?: string; onChange: (values: string[]) => void }) {
  const { draft } = useEditor();
  const words = WORDS[of];
  return (
    <fieldset className="flex max-w-80 flex-col gap-1.5">
      <legend className="sr-only">{words.all}</legend>
      {values.map((value, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="grid grid-cols-[minmax(0,1fr)_24px] items-center gap-1.5">
          <Suggest hideLabel label={words.one(index + 1)} value={value} options={options} onChange={(text) => onChange(replaced(values, index, text))} onLeave={draft.seal} />
          <IconButton icon="close" label={words.remove(index + 1)} onClick={() => onChange(removed(values, index))} />
        </div>
      ))}
      {errors.length > 0 && (
        <p role="alert" className="text-sm text-needs">
          {errors.join(" ")}
        </p>
      )}
      <Button look="quiet" icon="plus" className="-ml-2.5 self-start" disabled={values.includes("")} onClick={() => onChange([...values, ""])}>
        {words.add}
      </Button>
      {help && <p className="text-sm text-soft">{help}</p>}
    </fieldset>
  );
}
