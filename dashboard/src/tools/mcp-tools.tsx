"use client";

import { isObject } from "@/data/json";
import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { useQuery, type CombinedError } from "urql";
import { ImportedToolsDocument, ImportMcpToolsDocument, McpToolsDocument, type McpToolsQuery } from "@/gql/mcp";
import { Json } from "@/call/conversation";
import { messageOf, problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { controlClass } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Empty, Failed, Loading, Notice, Skeleton, type Problem } from "@/ui/states";
import { useToast } from "@/ui/toast";
import type { McpServer } from "./mcp-server-dialogs";
import * as Schema from "./schema";

type Offered = NonNullable<McpToolsQuery["mcpTools"]>[number];

interface Props {
  server: McpServer;
  onImported(): void;
}

/** What the server offers, asked of it now, and the import of what is chosen. */
export function McpTools({ server, onImported }: Props) {
  const mayRead = useMay("TOOLS_WRITE");
  const [{ data, error, fetching }, read] = useQuery({
    query: McpToolsDocument,
    variables: { server: server.name },
    pause: !mayRead,
    requestPolicy: "cache-and-network",
  });
  const again = () => read({ requestPolicy: "network-only" });
  const tools = data?.mcpTools;
  return (
    <section aria-label="Tools of the server" className="min-w-0 rounded-xl border bg-surface shadow-soft">
      <div className="flex min-h-14 flex-wrap items-center justify-between gap-3 px-5 pt-4">
        <h2 className="text-base font-semibold">Tools of the server{tools ? ` (${tools.length})` : ""}</h2>
        {mayRead && !error && (
          <Button icon="refresh" busy={fetching} onClick={again}>
            Ask again
          </Button>
        )}
      </div>
      {!mayRead && (
        <Empty icon="tool" title="You may not see these tools">
          It needs the permission TOOLS_WRITE. Ask an owner or an administrator of the tenant.
        </Empty>
      )}
      {mayRead && error && <Failed problem={serverProblem(error)} onRetry={again} />}
      {mayRead && !error && !tools && <ToolsSkeleton />}
      {!error && tools?.length === 0 && <Empty icon="tool" title="The server offers no tools" />}
      {!error && tools && tools.length > 0 && <Offers server={server} tools={tools} onImported={onImported} />}
    </section>
  );
}

/** The API says why it could not read the tools; what can be done about it is on this page. */
function serverProblem(error: CombinedError): Problem {
  const [first] = error.graphQLErrors;
  const isOfServer = first?.extensions.code === "INVALID_INPUT";
  return isOfServer
    ? { title: "The server does not list its tools", text: `${first.message} Check its address and its headers.` }
    : problemOf(error);
}

function Offers({ server, tools, onImported }: Props & { tools: readonly Offered[] }) {
  const studio = useStudio();
  const toast = useToast();
  const [mayTools, maySettings] = [useMay("TOOLS_WRITE"), useMay("SETTINGS_WRITE")];
  const mayImport = mayTools && maySettings;
  const [{ data, error: unread }, read] = useQuery({
    query: ImportedToolsDocument,
    variables: { search: server.name },
    requestPolicy: "cache-and-network",
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState("");
  const [problem, setProblem] = useState("");
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const [isBusy, setBusy] = useState(false);
  const imported = importedOf(data?.tools?.edges.map(({ node }) => node) ?? [], server.name);
  const shown = tools.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(search.trim().toLowerCase()));
  const again = shown.some(({ name }) => chosen.has(name) && imported.has(name));

  const choose = (names: readonly string[], isOn: boolean) => {
    const next = new Set(chosen);
    for (const name of names) {
      if (isOn) next.add(name);
      else next.delete(name);
    }
    setChosen(next);
  };
  const start = async () => {
    const names = tools.map(({ name }) => name).filter((name) => chosen.has(name));
    setBusy(true);
    setProblem("");
    setProblems({});
    const result = await studio.mutate(ImportMcpToolsDocument, { input: { server: server.name, tools: names } });
    setBusy(false);
    if (result.ok) {
      toast("ok", result.value.tools.length === 1 ? "1 tool was imported." : `${result.value.tools.length} tools were imported.`);
      setChosen(new Set());
      read({ requestPolicy: "network-only" });
      return onImported();
    }
    const { error } = result;
    if ("problems" in error)
      setProblems(Object.fromEntries(error.problems.map(({ path, message }) => [names[Number(path[2])] ?? "", message])));
    setProblem(messageOf(error));
  };

  const isAll = shown.length > 0 && shown.every(({ name }) => chosen.has(name));
  return (
    <div className="grid gap-3 p-5 pt-3">
      <div className="flex flex-wrap items-center gap-3">
        <input
          type="search"
          aria-label="Search the tools of the server"
          placeholder="Name or description"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
          className={`${controlClass} h-9 max-w-64`}
        />
        {mayImport && (
          <label className="flex min-h-6 items-center gap-2 text-sm">
            <input
              type="checkbox"
              checked={isAll}
              onChange={({ target }) =>
                choose(
                  shown.map(({ name }) => name),
                  target.checked,
                )
              }
              className="size-4 accent-(--accent)"
            />
            All
          </label>
        )}
      </div>
      {problem && <Notice tone="bad">{problem}</Notice>}
      <NotRead what="Which tools are imported" error={unread} onRetry={() => read({ requestPolicy: "network-only" })} />
      {shown.length === 0 && <p className="text-sm text-muted">No tool matches.</p>}
      <ul aria-label="Offered tools" className="grid gap-2">
        {shown.map((tool) => (
          <OfferedTool
            key={tool.name}
            tool={tool}
            importedAs={imported.get(tool.name)}
            isAllowed={server.allow.includes(tool.name)}
            isChosen={chosen.has(tool.name)}
            problem={problems[tool.name]}
            onChoose={mayImport ? (isOn) => choose([tool.name], isOn) : undefined}
          />
        ))}
      </ul>
      {mayImport ? (
        <div className="flex flex-wrap items-center gap-3">
          <Button kind="primary" icon="download" busy={isBusy} disabled={chosen.size === 0} onClick={() => void start()}>
            {chosen.size ? `Import ${chosen.size === 1 ? "1 tool" : `${chosen.size} tools`}` : "Import"}
          </Button>
          {again && <p className="text-xs text-muted">What is imported already is replaced by what the server offers now.</p>}
        </div>
      ) : (
        <p className="text-sm text-muted">Importing needs the permission SETTINGS_WRITE, because it allows the tools in the settings.</p>
      )}
    </div>
  );
}

interface Imported {
  readonly id: string;
  readonly name: string;
  readonly actions: readonly object[];
}

/** The tools that call a tool of this server, by its name there. */
function importedOf(tools: readonly Imported[], server: string): ReadonlyMap<string, Imported> {
  const calls = tools.flatMap((tool) =>
    tool.actions.flatMap((action) =>
      "server" in action && "tool" in action && action.server === server ? [[String(action.tool), tool] as const] : [],
    ),
  );
  return new Map(calls);
}

interface OfferedProps {
  tool: Offered;
  importedAs: Imported | undefined;
  isAllowed: boolean;
  isChosen: boolean;
  problem: string | undefined;
  onChoose: ((isOn: boolean) => void) | undefined;
}

function OfferedTool({ tool, importedAs, isAllowed, isChosen, problem, onChoose }: OfferedProps) {
  const parameters = isObject(tool.parameters) ? tool.parameters : {};
  const required = Schema.requiredOf(parameters);
  const properties = Schema.propertiesOf(parameters);
  return (
    <li className={`min-w-0 rounded-lg border p-3.5 ${problem ? "border-bad" : ""}`}>
      <div className="flex items-start gap-3">
        {onChoose && (
          <span className="grid size-6 shrink-0 place-items-center">
            <input
              type="checkbox"
              aria-label={`Import ${tool.name}`}
              checked={isChosen}
              onChange={({ target }) => onChoose(target.checked)}
              className="size-4 accent-(--accent)"
            />
          </span>
        )}
        <div className="min-w-0 grow">
          <div className="flex flex-wrap items-center gap-2">
            <h3 className="font-mono text-[13px] font-medium break-all">{tool.name}</h3>
            {importedAs && <Badge tone="ok">Imported</Badge>}
            {isAllowed ? !importedAs && <Badge tone="info">Allowed</Badge> : importedAs && <Badge tone="warn">Not allowed</Badge>}
          </div>
          <p className="mt-1 text-sm text-muted">{tool.description || "The server does not describe it."}</p>
          {problem && <p className="mt-1 text-xs text-bad">{problem}</p>}
          {importedAs && (
            <p className="mt-1 text-sm">
              <Link href={`/tool/?id=${encodeURIComponent(importedAs.id)}`} className="text-accent underline">
                {importedAs.name}
              </Link>
            </p>
          )}
          {properties.length > 0 ? (
            <details className="mt-2">
              <summary className="min-h-6 text-sm">{properties.length === 1 ? "1 parameter" : `${properties.length} parameters`}</summary>
              <dl className="mt-2 grid gap-x-4 gap-y-1.5 text-sm sm:grid-cols-[minmax(0,1fr)_minmax(0,2fr)]">
                {properties.map(([name, property]) => (
                  <Parameter key={name} name={name} schema={property} isRequired={required.includes(name)} />
                ))}
              </dl>
              <div className="mt-3">
                <Json title={`JSON Schema of ${tool.name}`} value={tool.parameters} />
              </div>
            </details>
          ) : (
            <p className="mt-2 text-xs text-muted">It has no parameters.</p>
          )}
        </div>
      </div>
    </li>
  );
}

function Parameter({ name, schema, isRequired }: { name: string; schema: unknown; isRequired: boolean }) {
  const type = Schema.typeOf(schema);
  return (
    <>
      <dt className="min-w-0 font-mono text-[13px] break-all">
        {name}
        <span className="font-sans text-xs text-muted">
          {" "}
          {type ? Schema.TYPE_NAMES[type] : "See the schema"}
          {isRequired && ", required"}
        </span>
      </dt>
      <dd className="min-w-0 text-muted">{(isObject(schema) && Schema.textAt(schema, "description")) || "–"}</dd>
    </>
  );
}

function ToolsSkeleton() {
  return (
    <Loading what="the tools of the server">
      <div className="grid gap-2 p-5 pt-3">
        {[1, 2, 3].map((row) => (
          <Skeleton key={row} className="h-24 w-full" />
        ))}
      </div>
    </Loading>
  );
}
