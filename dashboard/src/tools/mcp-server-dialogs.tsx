"use client";

import { useStudio } from "agent-studio-client/react";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { McpSecretsDocument, SaveMcpServersDocument, type McpServerInput, type McpServersQuery } from "@/gql/mcp";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Confirm, Dialog } from "@/ui/dialog";
import { Field, TextArea } from "@/ui/field";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { BadValue, CODECS, type FormValue } from "./codecs";
import { Pairs } from "./step-fields";

export type Settings = NonNullable<McpServersQuery["settings"]>;
export type McpServer = Settings["mcpServers"][number];

/** Servers are replaced as a whole, so those that stay are sent as they were read. */
const inputOf = ({ name, url, headers, allow }: McpServer): McpServerInput => ({ name, url, headers, allow });

interface DialogProps {
  open: boolean;
  settings: Settings;
  /** Null for a new one. */
  server: McpServer | null;
  onClose(): void;
  onSaved(name: string): void;
  /** The settings were edited by another person. */
  onConflict(): void;
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

function ServerForm({ settings, server, onClose, onSaved, onConflict }: Omit<DialogProps, "open">) {
  const studio = useStudio();
  const toast = useToast();
  const [{ data }] = useQuery({ query: McpSecretsDocument, pause: !useMay("CREDENTIALS_READ") });
  const [name, setName] = useState(server?.name ?? "");
  const [url, setUrl] = useState(server?.url ?? "");
  const [headers, setHeaders] = useState<FormValue>(() =>
    Object.keys(server?.headers ?? {}).length ? CODECS.pairs.read(server?.headers) : [],
  );
  const [allow, setAllow] = useState(server?.allow.join("\n") ?? "");
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const secrets =
    data?.secrets?.map((secret) => ({ label: `secret.${secret.name}`, detail: secret.hosts?.join(", ") ?? "for any host" })) ?? [];

  const save = async (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (isBusy) return;
    const written = read(headers);
    if (typeof written === "string") return setProblems({ headers: written });
    const changed: McpServerInput = {
      name: name.trim(),
      url: url.trim(),
      headers: written.headers,
      allow: allow
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    };
    const others = settings.mcpServers;
    const index = server ? others.indexOf(server) : others.length;
    const mcpServers = [...others.slice(0, index).map(inputOf), changed, ...others.slice(index + 1).map(inputOf)];
    setBusy(true);
    setProblems({});
    setProblem("");
    const result = await studio.mutate(SaveMcpServersDocument, { input: { expectedRevision: settings.revision, mcpServers } });
    setBusy(false);
    if (result.ok) {
      toast("ok", `The MCP server ${changed.name} was saved.`);
      return onSaved(changed.name);
    }
    const { error } = result;
    if ("problems" in error)
      setProblems(
        Object.fromEntries(error.problems.map(({ path, message }) => [path[2] === String(index) ? (path[3] ?? "") : "", message])),
      );
    if (error.code === "REVISION_CONFLICT") onConflict();
    setProblem(
      error.code === "REVISION_CONFLICT"
        ? "Another person edited the settings meanwhile. They were read again: save once more."
        : messageOf(error),
    );
  };

  return (
    <form className="mt-4 grid gap-4" onSubmit={(event) => void save(event)}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      <Field
        label="Name"
        hint="Lower-case letters, digits and underscores. Steps of tools refer to it."
        required
        autoCapitalize="none"
        spellCheck={false}
        value={name}
        problem={problems.name}
        onChange={({ target }) => setName(target.value)}
      />
      <Field
        label="Address"
        type="url"
        required
        placeholder="https://mcp.example.com/mcp"
        value={url}
        problem={problems.url}
        onChange={({ target }) => setUrl(target.value)}
      />
      <Pairs
        label="Headers"
        hint="They are sent with every request. {{secret.name}} is filled in last and never shown."
        problem={problems.headers}
        nameLabel="Name"
        valueLabel="Value"
        value={headers}
        onChange={setHeaders}
        readOnly={false}
        completions={secrets}
      />
      <TextArea
        label="Tools that may be used"
        hint="One name in a line. Importing a tool adds it."
        rows={3}
        className="font-mono text-[13px]"
        autoCapitalize="none"
        spellCheck={false}
        value={allow}
        problem={problems.allow}
        onChange={({ target }) => setAllow(target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" busy={isBusy}>
          Save
        </Button>
      </div>
    </form>
  );
}

/** The headers, or what is wrong with them. */
function read(headers: FormValue): { readonly headers: unknown } | string {
  try {
    return { headers: CODECS.pairs.write(headers) ?? {} };
  } catch (error) {
    if (error instanceof BadValue) return error.message;
    throw error;
  }
}

interface RemoveProps {
  settings: Settings;
  server: McpServer | null;
  onClose(): void;
  onRemoved(): void;
}

export function RemoveServer({ settings, server, onClose, onRemoved }: RemoveProps) {
  const studio = useStudio();
  const toast = useToast();
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const close = () => {
    setProblem("");
    onClose();
  };
  const remove = async () => {
    if (!server) return;
    setBusy(true);
    const mcpServers = settings.mcpServers.filter((each) => each !== server).map(inputOf);
    const result = await studio.mutate(SaveMcpServersDocument, { input: { expectedRevision: settings.revision, mcpServers } });
    setBusy(false);
    if (!result.ok) return setProblem(messageOf(result.error));
    toast("ok", `The MCP server ${server.name} was removed.`);
    close();
    onRemoved();
  };
  return (
    <Confirm
      open={server !== null}
      onOpenChange={(isOpen) => !isOpen && close()}
      title={`Remove ${server?.name ?? "the server"}?`}
      description="Tools that call it stay, and fail until a server has this name again. Its headers are not kept."
      confirm="Remove the server"
      busy={isBusy}
      problem={
        problem && (
          <div className="mt-3">
            <Notice tone="bad">{problem}</Notice>
          </div>
        )
      }
      onConfirm={() => void remove()}
    />
  );
}
