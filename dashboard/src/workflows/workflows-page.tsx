"use client";

import { Link } from "@/ui/link";
import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useRef, useState } from "react";
import { useClient, useQuery, useSubscription } from "urql";
import {
  CheckOfWorkflowDocument,
  LiveWorkflowsDocument,
  WorkflowChecksDocument,
  WorkflowsDocument,
  type LiveWorkflowsSubscription,
  type WorkflowCheckFragment,
  type WorkflowRowFragment,
  type WorkflowsQueryVariables,
} from "@/gql/workflows";
import { ExportBundleDocument } from "@/gql/bundles";
import { counted } from "@/data/format";
import { changed, orderOf, pageOf } from "@/data/page";
import { messageOf, problemOf } from "@/data/problem";
import { saveFile } from "@/data/save-file";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useThrottled } from "@/data/use-throttled";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { TalkDrawer } from "@/draft-talk/talk-drawer";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListFilter, ORDER, type FilterChoice } from "@/ui/list-filter";
import { Menu, MenuItem, MenuSeparator } from "@/ui/menu";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { useToast } from "@/ui/toast";
import { builderHref, versionsHref } from "./addresses";
import { ImportBundle } from "./import-dialog";
import { CreateWorkflow, DeleteWorkflow, DuplicateWorkflow, RenameWorkflow } from "./workflow-dialogs";

const STATE: FilterChoice = { label: "State", name: "state", options: { "": "Any", published: "Published", draft: "Never published" } };
const PUBLISHED: Readonly<Record<string, boolean>> = { published: true, draft: false };

function variablesOf(query: URLSearchParams): WorkflowsQueryVariables {
  const search = query.get("search");
  const published = PUBLISHED[query.get("state") ?? ""];
  const filter = { ...(search && { search }), ...(published !== undefined && { published }) };
  return { ...pageOf(query), filter, orderBy: orderOf(query) };
}

type Checks = ReadonlyMap<string, WorkflowCheckFragment>;

/** Whether drafts have errors and changes, which takes longer than the list itself. Null if the viewer may not know. */
function useChecks(variables: WorkflowsQueryVariables): { readonly checks: Checks | null; readonly isLoading: boolean; again(): void } {
  const scopes = [useMay("AGENTS_READ"), useMay("TOOLS_READ")];
  const may = scopes.every(Boolean);
  const [{ data, fetching }, execute] = useQuery({
    query: WorkflowChecksDocument,
    variables,
    pause: !may,
    requestPolicy: "cache-and-network",
  });
  const nodes = data?.workflows?.edges.map(({ node }) => node) ?? [];
  return {
    checks: may ? new Map(nodes.map((node) => [node.id, node])) : null,
    isLoading: may && fetching && !data,
    again: () => execute({ requestPolicy: "network-only" }),
  };
}

export function WorkflowsPage() {
  useTitle("Workflows");
  const [query, go] = useQueryString();
  const client = useClient();
  const mayWrite = useMay("WORKFLOWS_WRITE");
  const variables = variablesOf(query);
  const [{ data, error }, execute] = useRead({ query: WorkflowsDocument, variables, requestPolicy: "cache-and-network" });
  const { checks, isLoading, again } = useChecks(variables);
  const [isCreating, setCreating] = useState(false);
  const [isImporting, setImporting] = useState(false);
  const [doing, setDoing] = useState<Doing | null>(null);
  const reload = () => {
    execute({ requestPolicy: "network-only" });
    if (checks) again();
  };
  const reloadSoon = useThrottled(reload);
  const edited = useRef(new Set<string>());
  const checkSoon = useThrottled(() => {
    const [id, ...more] = edited.current;
    edited.current.clear();
    if (more.length) again();
    else if (id) void client.query(CheckOfWorkflowDocument, { id }, { requestPolicy: "network-only" }).toPromise();
  });
  // Edits of others arrive in the cache by themselves; what was added or removed needs the page of the list again.
  const { filter } = variables;
  useSubscription({ query: LiveWorkflowsDocument, variables: { filter } }, (_before, update: LiveWorkflowsSubscription) => {
    const { workflows: change } = update;
    if (change.__typename === "WorkflowAdded" || change.__typename === "WorkflowRemoved") reloadSoon();
    if (change.__typename === "WorkflowChanged" && checks) {
      edited.current.add(change.workflow.id);
      checkSoon();
    }
    return update;
  });
  const rows = data?.workflows?.edges.map(({ node }) => node);
  const isFiltered = query.has("search") || query.has("state");
  return (
    <>
      <PageHeader title="Workflows">
        <Actions onImport={() => setImporting(true)} />
        {mayWrite && (
          <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
            New workflow
          </Button>
        )}
      </PageHeader>
      <ListFilter what="workflows" placeholder="Name of a workflow" choices={[STATE, ORDER]} query={query} onGo={go} />
      {error && !rows && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={reload} />
        </Card>
      )}
      {!error && !rows && <WorkflowsSkeleton />}
      {rows?.length === 0 && (
        <Card>
          <NoWorkflows isFiltered={isFiltered} onCreate={mayWrite ? () => setCreating(true) : null} />
        </Card>
      )}
      {rows && rows.length > 0 && (
        <>
          <WorkflowTable rows={rows} checks={checks} isChecking={isLoading} mayWrite={mayWrite} onChoose={setDoing} />
          <Pager path="/workflows/" query={changed(query, {})} page={data?.workflows?.pageInfo} />
        </>
      )}
      <RowDialogs doing={doing} rows={rows} onClose={() => setDoing(null)} onChanged={reload} />
      <CreateWorkflow open={isCreating} onOpenChange={setCreating} />
      <ImportBundle open={isImporting} onOpenChange={setImporting} onImported={reload} />
    </>
  );
}

function Actions({ onImport }: { onImport(): void }) {
  const scopes = [useMay("WORKFLOWS_WRITE"), useMay("AGENTS_WRITE"), useMay("TOOLS_WRITE")];
  const exportBundle = useExport();
  return (
    <>
      {exportBundle && (
        <Menu align="end" trigger={<Button icon="download">Export</Button>}>
          <MenuItem onSelect={() => exportBundle("yaml", null)}>Everything as YAML</MenuItem>
          <MenuItem onSelect={() => exportBundle("json", null)}>Everything as JSON</MenuItem>
        </Menu>
      )}
      {scopes.every(Boolean) && (
        <Button icon="upload" onClick={onImport}>
          Import…
        </Button>
      )}
    </>
  );
}

/** Saves workflows, with the agents and tools that they use, as a file; null if the role does not include all of them. */
function useExport() {
  const studio = useStudio();
  const toast = useToast();
  const scopes = [useMay("AGENTS_READ"), useMay("TOOLS_READ")];
  if (!scopes.every(Boolean)) return null;
  const save = async (format: "yaml" | "json", slug: string | null) => {
    const result = await studio.query(ExportBundleDocument, { workflows: slug === null ? null : [slug] });
    if (!result.ok) return toast("bad", messageOf(result.error));
    const bundle = result.value.exportBundle;
    if (!bundle) return toast("bad", "The workflow has been deleted meanwhile.");
    const name = `${slug ?? "studio"}.${format}`;
    saveFile(name, format === "yaml" ? bundle.yaml : `${JSON.stringify(bundle.json, null, 2)}\n`, `application/${format}`);
    toast("ok", `${name} was saved.`);
  };
  return (format: "yaml" | "json", slug: string | null) => void save(format, slug);
}

function NoWorkflows({ isFiltered, onCreate }: { isFiltered: boolean; onCreate: (() => void) | null }) {
  if (isFiltered) return <Empty icon="search" title="No workflow matches" />;
  return (
    <Empty icon="workflow" title="No workflows yet">
      <p>A workflow connects agents: which one answers the call, and when the conversation moves to another.</p>
      {onCreate && (
        <p className="mt-4">
          <Button kind="primary" onClick={onCreate}>
            Create the first workflow
          </Button>
        </p>
      )}
    </Empty>
  );
}

interface TableProps {
  rows: readonly WorkflowRowFragment[];
  checks: Checks | null;
  isChecking: boolean;
  mayWrite: boolean;
  onChoose(doing: Doing): void;
}

interface Doing {
  readonly what: "RENAME" | "DUPLICATE" | "DELETE" | "TALK";
  readonly workflow: WorkflowRowFragment;
}

interface DialogsProps {
  doing: Doing | null;
  rows: readonly WorkflowRowFragment[] | undefined;
  onClose(): void;
  onChanged(): void;
}

/** They follow the row of the workflow, and stay open when it leaves the page of the list. */
function RowDialogs({ doing, rows, onClose, onChanged }: DialogsProps) {
  const target = doing && (rows?.find(({ id }) => id === doing.workflow.id) ?? doing.workflow);
  const targetOf = (what: Doing["what"]) => (doing?.what === what ? target : null);
  const dialog = { onClose, onChanged };
  return (
    <>
      <RenameWorkflow target={targetOf("RENAME")} {...dialog} />
      <DuplicateWorkflow target={targetOf("DUPLICATE")} {...dialog} />
      <DeleteWorkflow target={targetOf("DELETE")} {...dialog} />
      <TalkDrawer workflowId={targetOf("TALK")?.id ?? null} onClose={onClose} />
    </>
  );
}

function WorkflowTable({ rows, checks, isChecking, mayWrite, onChoose }: TableProps) {
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Workflows">
        <table className="w-full text-sm">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Name</th>
              <th scope="col" className="px-3 font-medium">State</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Agents</th>
              <th scope="col" className="hidden px-3 font-medium whitespace-nowrap sm:table-cell">Last edited</th>
              <th scope="col" className="w-12 pr-3">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((workflow) => (
              <tr key={workflow.id} className="relative h-14 border-b last:border-0 hover:bg-hover">
                <td className="py-2 pr-3 pl-4">
                  <Link href={builderHref(workflow.id)} className="block row-link">
                    <span className="block font-medium break-words">{workflow.name}</span>
                    {workflow.name !== workflow.slug && (
                      <span className="block font-mono text-xs break-all text-muted">{workflow.slug}</span>
                    )}
                  </Link>
                </td>
                <td className="px-3 py-2">
                  <State workflow={workflow} check={checks?.get(workflow.id)} isChecking={isChecking} />
                </td>
                <td className="hidden max-w-72 truncate px-3 font-mono text-xs lg:table-cell">
                  {[...new Set(workflow.graph.nodes.map(({ agentName }) => agentName))].join(", ") || "–"}
                </td>
                <td className="hidden px-3 whitespace-nowrap sm:table-cell">
                  <Time at={workflow.updatedAt} />
                </td>
                <td className="pr-3 text-right">
                  <div className="relative z-1 inline-block">
                    <RowMenu workflow={workflow} mayWrite={mayWrite} onChoose={(what) => onChoose({ what, workflow })} />
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

interface StateProps {
  workflow: WorkflowRowFragment;
  check: WorkflowCheckFragment | undefined;
  isChecking: boolean;
}

/** What new calls run, and how the draft differs from it. */
function State({ workflow: { published }, check, isChecking }: StateProps) {
  const changes = check?.draftDiff.changes.length ?? 0;
  return (
    <span className="flex flex-col items-start gap-1 sm:flex-row sm:items-center sm:gap-2">
      {published ? <Badge tone="ok">Version {published.number}</Badge> : <Badge tone="neutral">Draft</Badge>}
      {isChecking && <Skeleton className="h-5 w-20" />}
      {check && !check.findings.ok && <Badge tone="bad">Has errors</Badge>}
      {check?.findings.ok && published && changes > 0 && <Badge tone="info">{counted(changes, "change")}</Badge>}
    </span>
  );
}

interface RowMenuProps {
  workflow: WorkflowRowFragment;
  mayWrite: boolean;
  onChoose(what: Doing["what"]): void;
}

function RowMenu({ workflow: { id, name, slug }, mayWrite, onChoose }: RowMenuProps) {
  const router = useRouter();
  const exportBundle = useExport();
  const mayTalk = useMay("CALLS_WRITE");
  return (
    <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${name}`} />}>
      <MenuItem icon="history" onSelect={() => router.push(versionsHref(id))}>
        Versions
      </MenuItem>
      {mayTalk && (
        <MenuItem icon="text" onSelect={() => onChoose("TALK")}>
          Talk to the draft…
        </MenuItem>
      )}
      {exportBundle && (
        <>
          <MenuSeparator />
          <MenuItem icon="download" onSelect={() => exportBundle("yaml", slug)}>
            Export as YAML
          </MenuItem>
          <MenuItem icon="download" onSelect={() => exportBundle("json", slug)}>
            Export as JSON
          </MenuItem>
        </>
      )}
      {mayWrite && (
        <>
          <MenuSeparator />
          <MenuItem icon="edit" onSelect={() => onChoose("RENAME")}>
            Rename…
          </MenuItem>
          {exportBundle && (
            <MenuItem icon="copy" onSelect={() => onChoose("DUPLICATE")}>
              Duplicate…
            </MenuItem>
          )}
          <MenuItem icon="trash" onSelect={() => onChoose("DELETE")}>
            Delete…
          </MenuItem>
        </>
      )}
    </Menu>
  );
}

function WorkflowsSkeleton() {
  return (
    <Loading what="workflows">
      <div className="overflow-hidden rounded-xl border bg-surface">
        <div className="h-10 border-b bg-sunken" />
        {Array.from({ length: 8 }, (_, row) => (
          <div key={row} className="flex h-14 items-center gap-6 border-b px-4 last:border-0">
            {["name", "state", "agents", "edited"].map((name) => (
              <Skeleton key={name} className="h-4 grow" />
            ))}
          </div>
        ))}
      </div>
    </Loading>
  );
}
