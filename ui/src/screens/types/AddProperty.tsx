import { t } from "@lingui/core/macro";
import { useRef, useState } from "react";

import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { type TypeDocument, wrongName } from "./schema";

/** The line below the properties in which the next one is named. */
export function AddProperty({ doc, onAdd }: { doc: TypeDocument; onAdd: (name: string) => void }) {
  const [name, setName] = useState("");
  const [tried, setTried] = useState(false);
  const line = useRef<HTMLDivElement>(null);
  const wrong = wrongName(doc, name.trim());

  function add() {
    setTried(wrong !== null);
    if (wrong !== null) {
      line.current?.querySelector("input")?.focus();
      return;
    }
    onAdd(name.trim());
    setName("");
  }

  return (
    <div ref={line} className="mt-3 flex items-start gap-2 pb-3">
      <div className="w-64">
        <TextField
          label={t`New property`}
          hideLabel
          mono
          placeholder={t`name, for example costCentre`}
          value={name}
          errors={tried && wrong !== null ? [wrong] : []}
          onChange={(text) => {
            setName(text);
            setTried(false);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
      </div>
      <Button icon="plus" onClick={add}>
        {t`Add property`}
      </Button>
    </div>
  );
}
