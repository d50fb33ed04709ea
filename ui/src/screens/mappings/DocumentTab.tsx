import { useState } from "react";

import type { MappingDetail } from "../../backend/bindings/MappingDetail";
import { announce } from "../../parts/Announcer";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { readDocument } from "./document";
import { DocumentField } from "./DocumentField";
import { useSaveMappings } from "./queries";

const FORM = "mapping-document";

/** The mapping as the document that it is stored and exchanged as. */
export function DocumentTab({ detail }: { detail: MappingDetail }) {
  const base = JSON.stringify(detail.config, null, 2);
  const [edited, setEdited] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const save = useSaveMappings();
  const text = edited ?? base;

  function submit() {
    const document = readDocument(text);
    const [config, ...more] = "configs" in document ? document.configs : [];
    if ("problem" in document) setProblem(document.problem);
    else if (!config || more.length > 0) setProblem("This page holds one mapping. Add the others under Mappings, Add mapping.");
    else if (config["name"] !== detail.summary.name) setProblem(`The name stays ${detail.summary.name}: links and runs belong to it.`);
    else {
      setProblem(null);
      save.mutate([{ create: false, config }], {
        onSuccess: () => {
          setEdited(null);
          announce(`${detail.summary.name} was saved`);
        },
      });
    }
  }

  const errors = problem ? [problem] : save.error ? [save.error.message] : [];
  return (
    <>
      <form
        id={FORM}
        className="min-h-0 flex-1 overflow-y-auto px-6 py-5"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className="max-w-4xl">
          <DocumentField value={text} errors={errors} rows={Math.max(16, text.split("\n").length + 1)} onChange={setEdited} />
        </div>
      </form>
      <UnsavedBar
        form={FORM}
        changes={text === base ? 0 : 1}
        saving={save.isPending}
        onUndo={() => {
          setEdited(null);
          setProblem(null);
          save.reset();
        }}
      />
    </>
  );
}
