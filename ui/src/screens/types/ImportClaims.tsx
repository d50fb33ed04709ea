import { t } from "@lingui/core/macro";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { call } from "../../backend";
import { Button } from "../../parts/Button";
import { Dialog, useOpen } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Problem } from "../../parts/Problem";
import type { TypeDocument } from "./schema";

const KINDS = ".json,.csv,.xml,application/json,text/csv,text/xml";

/** Brings the claims of WSO2 Identity Server into the type that is being edited. Saving it is left to the editor. */
export function ImportClaims({ doc, onApply }: { doc: TypeDocument; onApply: (doc: TypeDocument) => void }) {
  const { open, show, hide } = useOpen();
  const [text, setText] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const apply = useMutation({
    mutationFn: () => call("claims_apply", { text, config: doc }),
    onSuccess: ({ config }) => onApply(config),
  });

  function close() {
    hide();
    setText("");
    apply.reset();
  }

  return (
    <>
      <Button onClick={show}>{t`Import claims`}</Button>
      <Dialog title={t`Claims of WSO2 Identity Server`} wide open={open} onClose={close}>
        {apply.data ? (
          <>
            <p className="text-soft">{t`Nothing is saved yet. Look at the properties, then save the type.`}</p>
            <ul aria-label={t`What became of each claim`} className="flex min-h-0 flex-col gap-2 overflow-y-auto">
              {apply.data.claims.map(({ claim, attribute, changes, notes }) => (
                <li key={claim}>
                  <code className="font-mono text-sm">{attribute ?? claim}</code>
                  {attribute !== null && <span className="text-sm text-soft"> {claim}</span>}
                  <p className="text-soft">{[...changes, ...notes].join("; ") || t`unchanged`}</p>
                </li>
              ))}
            </ul>
            <div className="mt-2 flex justify-end">
              <Button look="primary" onClick={close}>
                {t`Close`}
              </Button>
            </div>
          </>
        ) : (
          <>
            <p className="text-soft">{t`Supported becomes "Shown in the form", read-only takes "Edited by its owner" away, a regular expression becomes a policy; title, order and required are taken over.`}</p>
            {apply.error && <Problem error={apply.error} />}
            <Field label={t`Claims`} help={t`What WSO2's claim API answers (JSON), a claim-config.xml, or a table (CSV) with columns such as ClaimURI and Required.`}>
              {(props) => <textarea {...props} className="field min-h-40 font-mono text-sm" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />}
            </Field>
            <input
              ref={file}
              type="file"
              hidden
              accept={KINDS}
              aria-label={t`File of claims`}
              onChange={(event) => {
                void event.target.files?.[0]?.text().then(setText);
                // The same file can be chosen again after it was corrected.
                event.target.value = "";
              }}
            />
            <div className="mt-2 flex justify-end gap-2">
              <Button className="mr-auto" onClick={() => file.current?.click()}>
                {t`Choose a file`}
              </Button>
              <Button onClick={close}>{t`Cancel`}</Button>
              <Button look="primary" busy={apply.isPending} disabled={text.trim() === ""} onClick={() => apply.mutate()}>
                {t`Bring them in`}
              </Button>
            </div>
          </>
        )}
      </Dialog>
    </>
  );
}
