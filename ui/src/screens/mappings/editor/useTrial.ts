import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import type { SampleRecord } from "../../../backend/bindings/SampleRecord";
import { ask } from "../../../backend/query";
import { type Doc, linkQualifiersOf } from "./document";
import { useEditor } from "./EditorContext";

const PAUSE = 350;

/** What the mapping, as it stands on the screen, would do with a record. It follows the edits after a pause. */
export function useTrial(sample: SampleRecord | null, linkQualifier: string | null) {
  const { doc } = useEditor();
  const [config, setConfig] = useState<Doc>(doc);
  useEffect(() => {
    if (config === doc) return;
    const timer = setTimeout(() => setConfig(doc), PAUSE);
    return () => clearTimeout(timer);
  }, [config, doc]);
  const qualifiers = linkQualifiersOf(doc);
  const asked = qualifiers.kind === "list" && linkQualifier !== null && !qualifiers.names.includes(linkQualifier) ? null : linkQualifier;
  return useQuery({
    ...ask("mapping_try", { config, sourceId: sample?.id ?? "", linkQualifier: asked }),
    enabled: sample !== null,
    staleTime: 10_000,
    refetchOnWindowFocus: false,
    placeholderData: (old) => old,
  });
}
