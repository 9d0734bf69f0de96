"use client";

import { useStudio } from "agent-studio-client/react";
import { useEffect, useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { McpSecretsDocument, SaveMcpServersDocument, type McpServerInput, type McpServersQuery } from "@/gql/mcp";
import { isObject } from "@/data/json";
import type { MutationError, Outcome } from "@/data/refusal";
import { InvalidField, isSame, useForm } from "@/data/use-form";
import { useMounted } from "@/data/use-mounted";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Dialog } from "@/ui/dialog";
import { Field, TextArea } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { BadValue, CODECS, type FormValue } from "./codecs";
import { Pairs } from "./step-fields";

export type Settings = NonNullable<McpServersQuery["settings"]>;
export type McpServer = Settings["mcpServers"][number];

const CONFLICT = "Another person edited the settings meanwhile. They were read again, so try once more.";

/** Servers are replaced as a whole, so those that stay are sent as they were read. */
const inputOf = ({ name, url, headers, allow }: McpServer): McpServerInput => ({ name, url, headers, allow });

interface DialogProps {
  open: boolean;
  settings: Settings;
  /** Null for a new one. */
  server: McpServer | null;
  onClose(): void;
  /** Called only if the form is still shown. */
  onSaved(name: string): void;
  /** The settings were edited, here or by another person. */
  onChanged(): void;
}

export function ServerDialog({ open, server, onClose, ...form }: DialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={(isOpen) => !isOpen && onClose()}
      isWide
      title={server ? `Edit ${server.name}` : "Add an MCP server"}
      description="The server is reached over streamable HTTP. Its tools can be imported, and then be given to agents."
    >
      <ServerForm server={server} onClose={onClose} {...form} />
    </Dialog>
  );
}

interface Draft {
  readonly name: string;
  readonly url: string;
  readonly headers: FormValue;
  /** One name in a line. */
  readonly allow: string;
}

const LABELS = { name: "name", url: "address", headers: "headers" } as const;

const draftOf = (server: McpServer | null): Draft => ({
  name: server?.name ?? "",
  url: server?.url ?? "",
  headers: isObject(server?.headers) && Object.keys(server.headers).length ? CODECS.pairs.read(server.headers) : [],
  allow: server?.allow.join("\n") ?? "",
});

const linesOf = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

/** The lines of `theirs`, with what was added and removed in `mine`. */
function mergedLines(mine: string, before: string, theirs: string): string {
  if (theirs === before) return mine;
  const [now, was, other] = [linesOf(mine), linesOf(before), linesOf(theirs)];
  const kept = other.filter((line) => now.includes(line) || !was.includes(line));
  return [...kept, ...now.filter((line) => !was.includes(line) && !other.includes(line))].join("\n");
}

/** The headers, for the input value of that name. */
function headersOf(value: FormValue): unknown {
  try {
    return CODECS.pairs.write(value) ?? {};
  } catch (error) {
    throw error instanceof BadValue ? new InvalidField("headers", error.message) : error;
  }
}

const inputOfDraft = ({ name, url, headers, allow }: Draft): McpServerInput => ({
  name: name.trim(),
  url: url.trim(),
  headers: headersOf(headers),
  allow: linesOf(allow),
});

/** Problems have the path of a server in the list; the form has the fields of one. */
function ofServer(error: MutationError, index: number): MutationError {
  const pathOf = (path: readonly (string | number)[]) => (path[2] === String(index) ? ["input", ...path.slice(3)] : []);
  return error.problems ? { ...error, problems: error.problems.map(({ message, path }) => ({ message, path: pathOf(path) })) } : error;
}

function ServerForm({ settings, server, onClose, onSaved, onChanged }: Omit<DialogProps, "open">) {
  const studio = useStudio();
  const toast = useToast();
  const isShown = useMounted();
  const [{ data, error }, readSecrets] = useQuery({ query: McpSecretsDocument, pause: !useMay("CREDENTIALS_READ") });
  // What the form was filled from: an edit by another person shows in `server`, not here.
  const [base, setBase] = useState(() => ({ server, draft: draftOf(server) }));
  const [clashes, setClashes] = useState<readonly (keyof typeof LABELS)[]>([]);
  const form = useForm(base.draft);
  const { draft, set, text, problemAt } = form;
  const isRemoved = base.server !== null && server === null;
  const secrets =
    data?.secrets?.map((secret) => ({ label: `secret.${secret.name}`, detail: secret.hosts?.join(", ") ?? "for any host" })) ?? [];

  // What another person saved meanwhile is taken over where nothing was edited here.
  useEffect(() => {
    if (!server || !base.server || isSame(server, base.server)) return;
    const [mine, before, theirs] = [draft, base.draft, draftOf(server)];
    const pick = <Name extends keyof Draft>(name: Name) => (mine[name] === before[name] ? theirs[name] : mine[name]);
    const allow = mergedLines(mine.allow, before.allow, theirs.allow);
    form.setDraft({ name: pick("name"), url: pick("url"), headers: pick("headers"), allow });
    const [was, is] = [base.server, server];
    setClashes((["name", "url", "headers"] as const).filter((name) => mine[name] !== before[name] && !isSame(was[name], is[name])));
    setBase({ server, draft: theirs });
  }, [server, base, draft, form]);

  const save = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const others = settings.mcpServers;
    const index = server ? others.indexOf(server) : others.length;
    const saved = await form.submit(async () => {
      const mcpServers = [...others.slice(0, index).map(inputOf), inputOfDraft(draft), ...others.slice(index + 1).map(inputOf)];
      const result = await studio.mutate(SaveMcpServersDocument, { input: { expectedRevision: settings.revision, mcpServers } });
      if (result.ok) return result;
      if (result.error.code !== "REVISION_CONFLICT") return { ok: false, error: ofServer(result.error, index) };
      onChanged();
      return { ok: false, error: { ...result.error, message: CONFLICT } };
    });
    if (!saved) return;
    toast("ok", `The MCP server ${draft.name.trim()} was saved.`);
    onChanged();
    if (isShown.current) onSaved(draft.name.trim());
  };

  return (
    <form ref={form.element} className="mt-4 grid gap-4" onSubmit={(event) => void save(event)}>
      {form.problem && <Notice tone="bad">{form.problem}</Notice>}
      {isRemoved && <Notice tone="warn">Another person removed this server meanwhile. Saving adds it again.</Notice>}
      {clashes.length > 0 && (
        <Notice tone="warn">
          Another person changed this server meanwhile. Saving replaces their {clashes.map((name) => LABELS[name]).join(" and ")}.
        </Notice>
      )}
      <Field
        label="Name"
        hint="Lower-case letters, digits and underscores. Steps of tools refer to it."
        required
        autoCapitalize="none"
        spellCheck={false}
        {...text("name")}
      />
      <Field
        label="Address"
        type="url"
        required
        placeholder="https://mcp.example.com/mcp"
        {...text("url")}
      />
      <Pairs
        label="Headers"
        hint="They are sent with every request. {{secret.name}} is filled in last and never shown."
        problem={problemAt("headers")}
        nameLabel="Name"
        valueLabel="Value"
        value={draft.headers}
        onChange={(headers) => set("headers", headers)}
        readOnly={false}
        completions={secrets}
      />
      <NotRead what="The secrets that headers can refer to" error={error} onRetry={() => readSecrets({ requestPolicy: "network-only" })} />
      <TextArea
        label="Tools that may be used"
        hint="One name in a line. Importing a tool adds it."
        rows={3}
        className="font-mono text-[13px]"
        autoCapitalize="none"
        spellCheck={false}
        {...text("allow")}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" busy={form.isBusy}>
          Save
        </Button>
      </div>
    </form>
  );
}

interface RemoveProps {
  settings: Settings;
  server: McpServer | null;
  onClose(): void;
  /** The settings were edited, here or by another person. */
  onChanged(): void;
}

export function RemoveServer({ settings, server, onClose, onChanged }: RemoveProps) {
  const studio = useStudio();
  const toast = useToast();
  const remove = async (): Promise<Outcome<unknown>> => {
    const mcpServers = settings.mcpServers.filter((each) => each !== server).map(inputOf);
    const result = await studio.mutate(SaveMcpServersDocument, { input: { expectedRevision: settings.revision, mcpServers } });
    if (result.ok || result.error.code !== "REVISION_CONFLICT") return result;
    onChanged();
    return { ok: false, error: { ...result.error, message: CONFLICT } };
  };
  return (
    <ConfirmDelete
      open={server !== null}
      onClose={onClose}
      title={`Remove ${server?.name ?? "the server"}?`}
      description="Tools that call it stay, and fail until a server has this name again. Its headers are not kept."
      confirm="Remove the server"
      remove={remove}
      onRemoved={() => {
        toast("ok", `The MCP server ${server?.name ?? ""} was removed.`);
        onChanged();
      }}
      next="/mcp/"
    />
  );
}
