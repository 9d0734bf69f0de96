"use client";

import { listText } from "@/data/form-values";
import { listOf } from "@/data/format";
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
  /** Of an MCP server: the tools that may be used. */
  readonly allow: string;
}

const NEW: ServerRow = { name: "", url: "", headers: [], allow: "" };

const rowOf = (server: { name: string; url: string; headers: unknown; allow?: readonly string[] }): ServerRow => ({
  name: server.name,
  url: server.url,
  headers: headerRows(server.headers),
  allow: listText(server.allow ?? []),
});

const serverOf = ({ name, url, headers }: ServerRow) => ({ name: name.trim(), url: url.trim(), headers: headersOf(headers) });

export function EndpointsSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "endpoints",
    draftOf: ({ endpoints }) => ({ endpoints: endpoints.map(rowOf) as readonly ServerRow[] }),
    inputOf: ({ endpoints }) => ({ endpoints: endpoints.map(serverOf) }),
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

export function McpSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "mcp",
    draftOf: ({ mcpServers }) => ({ mcpServers: mcpServers.map(rowOf) as readonly ServerRow[] }),
    inputOf: ({ mcpServers }) => ({ mcpServers: mcpServers.map((row) => ({ ...serverOf(row), allow: listOf(row.allow) })) }),
  });
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The MCP servers were saved.")}>
      <Section title="MCP servers" text="Servers of the Model Context Protocol (streamable HTTP) whose tools agents can use. Only tools that are allowed here may be called.">
        <Rows
          what="server"
          rows={form.draft.mcpServers}
          problem={form.problems.mcpServers}
          none="There are no MCP servers yet."
          onChange={(rows) => form.set("mcpServers", rows)}
          create={() => NEW}
        >
          {(row, index, change) => (
            <div className="grid gap-4">
              <Server row={row} problemAt={(field) => form.problemAt(`mcpServers.${index}.${field}`)} onChange={change} />
              <Field
                label="Allowed tools"
                placeholder="search, create_ticket"
                hint="Names of the tools on the server, separated by commas."
                spellCheck={false}
                value={row.allow}
                problem={form.problemAt(`mcpServers.${index}.allow`)}
                onChange={({ target }) => change({ allow: target.value })}
              />
            </div>
          )}
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
