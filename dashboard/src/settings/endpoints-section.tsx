"use client";

import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { HeaderRows, headerRows, headersOf, type HeaderRow } from "@/ui/header-rows";
import { Rows } from "@/ui/rows";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

interface ServerRow {
  readonly name: string;
  readonly url: string;
  readonly headers: readonly HeaderRow[];
}

const NEW: ServerRow = { name: "", url: "", headers: [] };

const rowOf = (server: { name: string; url: string; headers: unknown }): ServerRow => ({
  name: server.name,
  url: server.url,
  headers: headerRows(server.headers),
});

const inputOf = ({ name, url, headers }: ServerRow, index: number) => ({
  name: name.trim(),
  url: url.trim(),
  headers: headersOf(`endpoints.${index}.headers`, headers),
});

export function EndpointsSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "endpoints",
    draftOf: ({ endpoints }) => ({ endpoints: endpoints.map(rowOf) as readonly ServerRow[] }),
    inputOf: ({ endpoints }) => ({ endpoints: endpoints.map(inputOf) }),
  });
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The endpoints were saved.")}>
      <Section title="Endpoints" text="HTTP servers with a name, so that the same tool works in every environment. Tools append their path to the URL.">
        <Rows
          what="endpoint"
          rows={form.draft.endpoints}
          problem={form.problems.endpoints}
          none="There are no endpoints yet."
          onChange={(rows) => form.set("endpoints", rows)}
          create={() => NEW}
        >
          {(row, index, change) => <Server row={row} problemAt={(field) => form.problemAt(`endpoints.${index}.${field}`)} onChange={change} />}
        </Rows>
      </Section>
    </EditedForm>
  );
}

interface ServerProps {
  row: ServerRow;
  problemAt(field: "name" | "url" | "headers"): string | undefined;
  onChange(changes: Partial<ServerRow>): void;
}

function Server({ row, problemAt, onChange }: ServerProps) {
  return (
    <div className="grid gap-4">
      <div className="grid gap-4 sm:grid-cols-[1fr_2fr]">
        <Field label="Name" placeholder="crm" autoCapitalize="none" spellCheck={false} value={row.name} problem={problemAt("name")} onChange={({ target }) => onChange({ name: target.value })} />
        <Field
          label="URL"
          type="url"
          placeholder="https://api.example.com"
          spellCheck={false}
          value={row.url}
          problem={problemAt("url")}
          onChange={({ target }) => onChange({ url: target.value })}
        />
      </div>
      <div className="grid gap-2">
        <p className="text-sm font-medium">Headers of every request</p>
        <p className="text-xs text-muted">{"{{secret.name}}"} is replaced when the request is sent, and appears nowhere else.</p>
        <HeaderRows rows={row.headers} problem={problemAt("headers")} onChange={(headers) => onChange({ headers })} />
      </div>
    </div>
  );
}
