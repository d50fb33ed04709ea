import { Button, IconButton } from "../../../parts/Button";
import { Suggest, type Suggestion } from "../../../parts/Suggest";
import { removed, replaced } from "./document";
import { useEditor } from "./EditorContext";

/** A list of names, one a row. */
export function NamesField({ label, values, options = [], errors = [], help, onChange }: { label: string; values: string[]; options?: Suggestion[]; errors?: string[]; help?: string; onChange: (values: string[]) => void }) {
  const { draft } = useEditor();
  return (
    <fieldset className="flex max-w-80 flex-col gap-1.5">
      <legend className="sr-only">{label}s</legend>
      {values.map((value, index) => (
        // oxlint-disable-next-line react/no-array-index-key
        <div key={index} className="grid grid-cols-[minmax(0,1fr)_24px] items-center gap-1.5">
          <Suggest hideLabel label={`${label} ${index + 1}`} value={value} options={options} onChange={(text) => onChange(replaced(values, index, text))} onLeave={draft.seal} />
          <IconButton icon="close" label={`Remove ${label.toLowerCase()} ${index + 1}`} onClick={() => onChange(removed(values, index))} />
        </div>
      ))}
      {errors.length > 0 && (
        <p role="alert" className="text-sm text-needs">
          {errors.join(" ")}
        </p>
      )}
      <Button look="quiet" icon="plus" className="-ml-2.5 self-start" disabled={values.includes("")} onClick={() => onChange([...values, ""])}>
        Add {label.toLowerCase()}
      </Button>
      {help && <p className="text-sm text-soft">{help}</p>}
    </fieldset>
  );
}
