import { t } from "@lingui/core/macro";
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useMemo } from "react";

import type { AttributeInfo } from "../../../backend/bindings/AttributeInfo";
import type { MappingDetail } from "../../../backend/bindings/MappingDetail";
import { ask } from "../../../backend/query";
import type { Variable } from "../../../parts/CodeEditor";
import type { Suggestion } from "../../../parts/Suggest";
import { errorWords } from "../../../words/error";
import type { Complaint } from "./complaint";
import { type Doc, textOf } from "./document";
import type { Draft } from "./useDraft";

export interface End {
  path: string;
  title: string;
  attributes: AttributeInfo[];
  suggestions: Suggestion[];
  /** Why its attributes are not known. */
  problem: string | null;
}

interface Editor {
  name: string;
  doc: Doc;
  draft: Draft;
  source: End;
  target: End;
  complaint: Complaint | null;
  /** It was removed elsewhere, which the head of the screen says. */
  gone: boolean;
}

const Context = createContext<Editor | null>(null);

/** The mapping that is being edited, for every part of its screen. */
export function EditorProvider({ detail, draft, complaint, gone, children }: { detail: MappingDetail; draft: Draft; complaint: Complaint | null; gone: boolean; children: ReactNode }) {
  const { summary } = detail;
  const source = useEnd(textOf(draft.doc, "source"), summary.sourceTitle);
  const target = useEnd(textOf(draft.doc, "target"), summary.targetTitle);
  const editor = useMemo(() => ({ name: summary.name, doc: draft.doc, draft, source, target, complaint, gone }), [summary.name, draft, source, target, complaint, gone]);
  return <Context value={editor}>{children}</Context>;
}

export function useEditor(): Editor {
  const editor = use(Context);
  if (!editor) throw new Error(t`This part belongs into a mapping's editor.`);
  return editor;
}

/** What is wrong at this place, as the errors of a field. */
export function useErrors(place: string): string[] {
  const { complaint } = useEditor();
  return complaint && complaint.place === place ? [complaint.text] : [];
}

const SCHEMA_STANDS = 60_000;

function useEnd(path: string, title: string): End {
  const schema = useQuery({ ...ask("resource_schema", { resource: path }), staleTime: SCHEMA_STANDS, refetchOnWindowFocus: false });
  return useMemo(() => {
    const attributes = schema.data?.attributes ?? [];
    return {
      path,
      title,
      attributes,
      suggestions: attributes.map(({ name, label, required, unique }) => ({ id: name, note: [label === name ? "" : label, required ? t`required` : "", unique ? t`unique` : ""].filter(Boolean).join(", ") })),
      problem: schema.error && errorWords(schema.error),
    };
  }, [path, title, schema.data, schema.error]);
}

/** The variables of a hook's script, with the attributes that are known to be in them. */
export function useVariables(names: string[]): Variable[] {
  const { source, target } = useEditor();
  return names.map((name) => {
    const end = name === "source" || name === "object" ? source : name === "target" || name === "oldTarget" ? target : null;
    return { name, detail: VARIABLES[name] ?? "", ...(end ? { members: end.attributes.map((attribute) => ({ name: attribute.name, detail: attribute.label })) } : {}) };
  });
}

const VARIABLES: Record<string, string> = {
  source: t`the source record`,
  object: t`the source record`,
  target: t`the target record`,
  oldTarget: t`the target record before the change`,
  linkQualifier: t`which account it is`,
  situation: t`the situation's name`,
  action: t`the action's name`,
  sourceId: t`the source record's id`,
  targetId: t`the target record's id`,
  sourceAction: t`true in the source phase`,
  mappingConfig: t`this mapping's document`,
  mapping: t`this mapping's name`,
  oldValue: t`the source record before the change`,
  returnAll: t`true when every qualifier is asked for`,
  reconId: t`the run's id`,
  global: t`the run's counts`,
  context: t`the run`,
  recon: t`the run and the record's ids`,
};
