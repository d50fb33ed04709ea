import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { announce } from "../../parts/Announcer";
import { Page } from "../../parts/Page";
import { UnsavedBar } from "../../parts/UnsavedBar";
import { count } from "../../words/numbers";
import { readDocument } from "./document";
import { DocumentField } from "./DocumentField";
import { useSaveMappings } from "./queries";

const FORM = "mapping-form";

const EXAMPLE = `{
  "name": "systemHubspotContact_managedUser",
  "source": "system/hubspot/contact",
  "target": "managed/user",
  "correlationQuery": [
    {
      "linkQualifier": "default",
      "expressionTree": { "all": ["mail"] }
    }
  ],
  "properties": [
    { "source": "firstname", "target": "givenName" },
    { "source": "lastname", "target": "sn", "default": "-" },
    { "source": "email", "target": "mail" },
    { "source": "email", "target": "userName" }
  ],
  "policies": [
    { "situation": "ABSENT", "action": "CREATE" },
    { "situation": "FOUND", "action": "UPDATE" },
    { "situation": "CONFIRMED", "action": "UPDATE" },
    { "situation": "SOURCE_MISSING", "action": "EXCEPTION" }
  ]
}`;

export function NewMappingPage() {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const save = useSaveMappings();
  const navigate = useNavigate();

  function submit() {
    const document = readDocument(text);
    if ("problem" in document) {
      setProblem(document.problem);
      return;
    }
    setProblem(null);
    save.mutate(
      document.configs.map((config) => ({ create: true, config })),
      {
        onSuccess: (saved) => {
          announce(`${count(saved.length, "mapping")} saved`);
          const only = saved.length === 1 ? saved[0] : undefined;
          void (only ? navigate({ to: "/mappings/$name", params: { name: only.summary.name }, ignoreBlocker: true }) : navigate({ to: "/mappings", ignoreBlocker: true }));
        },
      },
    );
  }

  const errors = problem ? [problem] : save.error ? [save.error.message] : [];
  return (
    <Page
      flush
      title="Add mapping"
      trail={
        <Link to="/mappings" className="rounded-sm hover:underline">
          Mappings
        </Link>
      }
    >
      <div className="min-h-0 flex-1 overflow-y-auto px-6 py-5">
        <form
          id={FORM}
          className="grid max-w-5xl grid-cols-1 gap-8 min-[1000px]:grid-cols-2"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <DocumentField value={text} errors={errors} onChange={setText} />
          <section aria-label="Example" className="min-w-0">
            <h2 className="mb-1 text-sm leading-5 text-soft">For example</h2>
            {/* Long examples scroll, so the keyboard must be able to reach them. */}
            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
            <pre tabIndex={0} className="overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-sm text-soft">
              {EXAMPLE}
            </pre>
          </section>
        </form>
      </div>
      <UnsavedBar
        form={FORM}
        always
        changes={text.trim() === "" ? 0 : 1}
        saving={save.isPending}
        onUndo={() => {
          setText("");
          setProblem(null);
          save.reset();
        }}
      />
    </Page>
  );
}
