"use client";

import { isObject } from "@/data/json";
import { Link } from "@/ui/link";
import { useState } from "react";
import { McpServersDocument } from "@/gql/mcp";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { RemoveServer, ServerDialog, type McpServer, type Settings } from "./mcp-server-dialogs";
import { McpTools } from "./mcp-tools";
import { ServerLinks } from "./server-links";

/** The MCP servers of the settings; `?server=` is the one whose tools are shown. */
export function McpPage() {
  useTitle("MCP servers");
  const [query, go] = useQueryString();
  const mayWrite = useMay("SETTINGS_WRITE");
  const [{ data, error }, read] = useRead({ query: McpServersDocument, requestPolicy: "cache-and-network" });
  const again = () => read({ requestPolicy: "network-only" });
  const [edited, setEdited] = useState<McpServer | "new" | null>(null);
  const settings = data?.settings;
  const name = query.get("server");
  const server = settings?.mcpServers.find((each) => each.name === name) ?? (name ? undefined : settings?.mcpServers[0]);
  const show = (next: string) => go(new URLSearchParams({ server: next }), "replace");
  return (
    <>
      <Link href="/tools/" className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
        <Icon name="left" width={15} height={15} />
        Tools
      </Link>
      <PageHeader title="MCP servers">
        {mayWrite && settings && (
          <Button kind="primary" icon="plus" onClick={() => setEdited("new")}>
            Add a server
          </Button>
        )}
      </PageHeader>
      {error && !settings && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={again} />
        </Card>
      )}
      {!error && !settings && <McpSkeleton />}
      {settings?.mcpServers.length === 0 && (
        <Card>
          <Empty icon="tool" title="No MCP servers yet">
            <p>Servers of the Model Context Protocol offer tools. Add one, look at what it offers, and import what your agents need.</p>
            {!mayWrite && <p className="mt-2">Your role may not change the settings. Ask an owner or an administrator of the tenant.</p>}
          </Empty>
        </Card>
      )}
      {settings && settings.mcpServers.length > 0 && (
        <div className="grid items-start gap-5 lg:grid-cols-[16rem_minmax(0,1fr)]">
          <nav aria-label="MCP servers" className="rounded-xl border bg-surface p-2 shadow-soft">
            <ServerLinks servers={settings.mcpServers} current={server?.name} replace />
          </nav>
          {server ? (
            <Server
              key={server.name}
              settings={settings}
              server={server}
              mayWrite={mayWrite}
              onEdit={() => setEdited(server)}
              onChanged={again}
            />
          ) : (
            <Card>
              <Empty icon="tool" title="There is no such server">
                The settings have no MCP server {name}.
              </Empty>
            </Card>
          )}
        </div>
      )}
      {settings && edited && (
        <ServerDialog
          open
          settings={settings}
          server={edited === "new" ? null : (settings.mcpServers.find((each) => each.name === edited.name) ?? null)}
          onClose={() => setEdited(null)}
          onChanged={again}
          onSaved={(saved) => {
            setEdited(null);
            show(saved);
          }}
        />
      )}
    </>
  );
}

interface ServerProps {
  settings: Settings;
  server: McpServer;
  mayWrite: boolean;
  onEdit(): void;
  onChanged(): void;
}

function Server({ settings, server, mayWrite, onEdit, onChanged }: ServerProps) {
  const [isRemoving, setRemoving] = useState(false);
  const headers = isObject(server.headers) ? Object.entries(server.headers) : [];
  return (
    <div className="grid min-w-0 gap-5">
      <section aria-label={`Server ${server.name}`} className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
        <div className="flex flex-wrap items-start justify-between gap-3">
          <h2 className="font-mono text-base font-semibold">{server.name}</h2>
          {mayWrite && (
            <div className="flex gap-2">
              <Button onClick={onEdit}>Edit</Button>
              <Button onClick={() => setRemoving(true)}>Remove</Button>
            </div>
          )}
        </div>
        <dl className="mt-3 grid gap-2 text-sm sm:grid-cols-[6rem_minmax(0,1fr)]">
          <dt className="text-muted">Address</dt>
          <dd className="min-w-0 font-mono text-[13px] break-all">{server.url}</dd>
          <dt className="text-muted">Headers</dt>
          <dd className="min-w-0">
            {headers.length === 0 && <span className="text-muted">None</span>}
            {headers.map(([header, value]) => (
              <span key={header} className="block font-mono text-[13px] break-all">
                {header}: {String(value)}
              </span>
            ))}
          </dd>
        </dl>
      </section>
      <McpTools server={server} onImported={onChanged} />
      <RemoveServer
        settings={settings}
        server={isRemoving ? server : null}
        onClose={() => setRemoving(false)}
        onChanged={onChanged}
      />
    </div>
  );
}

function McpSkeleton() {
  return (
    <Loading what="MCP servers">
      <div className="grid gap-5 lg:grid-cols-[16rem_minmax(0,1fr)]">
        <Skeleton className="h-40 w-full" />
        <div className="grid gap-5">
          <Skeleton className="h-36 w-full" />
          <Skeleton className="h-72 w-full" />
        </div>
      </div>
    </Loading>
  );
}
