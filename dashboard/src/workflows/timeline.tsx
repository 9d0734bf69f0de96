"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { PublishersDocument, type VersionRowFragment } from "@/gql/versions";
import { counted } from "@/data/format";
import { useQueryString } from "@/data/use-query-string";
import { useViewer } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Time } from "@/ui/time";
import type { Workflow } from "./versions-page";

const ROW = `block rounded-lg border border-transparent px-3 py-2.5 text-sm hover:bg-hover
  aria-[current]:border-line-strong/60 aria-[current]:bg-accent-soft`;

interface Props {
  workflow: Workflow;
  versions: readonly VersionRowFragment[];
  /** How many changes of the draft are not published; null if that is not known. */
  unpublished: number | null;
  /** The id of the version that is shown; null for the draft. */
  chosen: string | null;
}

/** The draft and the versions, newest first, as links to what changed in them. */
export function Timeline({ workflow, versions, unpublished, chosen }: Props) {
  const [query] = useQueryString();
  const publishers = usePublishers(versions);
  const link = (version: string | null) => {
    const next = new URLSearchParams(query);
    next.delete("from");
    if (version) next.set("version", version);
    else next.delete("version");
    const current = version === chosen ? ("true" as const) : undefined;
    return { href: `/versions/?${next}`, scroll: false, "aria-current": current, className: ROW };
  };
  return (
    <nav aria-label="Draft and versions" className="rounded-xl border bg-surface p-1.5 shadow-soft">
      <ul className="grid gap-0.5">
        <li>
          <Link {...link(null)}>
            <span className="flex min-h-6 flex-wrap items-center gap-2 font-medium">
              Draft
              {workflow.published && unpublished !== null && unpublished > 0 && <Badge tone="info">{counted(unpublished, "change")}</Badge>}
              {unpublished === 0 && <Badge tone="neutral">as published</Badge>}
            </span>
            <span className="mt-0.5 block text-xs text-muted">
              Edited <Time at={workflow.updatedAt} />
            </span>
          </Link>
        </li>
        {versions.map((version) => (
          <li key={version.id}>
            <Link {...link(version.id)}>
              <span className="flex min-h-6 flex-wrap items-center gap-2 font-medium">
                Version {version.number}
                {workflow.published?.id === version.id && <Badge tone="ok">new calls run it</Badge>}
              </span>
              {version.note && <span className="mt-0.5 line-clamp-2 break-words">{version.note}</span>}
              <span className="mt-0.5 block text-xs text-muted">
                <Time at={version.publishedAt} /> by <Publisher version={version} members={publishers} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {!versions.length && (
        <p className="px-3 pt-2.5 pb-2 text-sm text-muted">No version yet. You can talk to the draft; publish it for your callers.</p>
      )}
    </nav>
  );
}

type Publishers = ReadonlyMap<string, { readonly email: string; readonly name: string | null }>;

/** The members who published the versions, by the ids of these; none for a viewer who may not see members. */
function usePublishers(versions: readonly VersionRowFragment[]): Publishers {
  const may = useViewer()?.scopes.includes("MEMBERS_READ") ?? false;
  const ids = versions.map(({ id }) => id);
  const [{ data }] = useQuery({ query: PublishersDocument, variables: { ids }, pause: !may || !ids.length });
  const found = data?.nodes.flatMap((node) =>
    node?.__typename === "WorkflowVersion" && node.publisher ? [[node.id, node.publisher] as const] : [],
  );
  return new Map(found);
}

function Publisher({ version: { id, publishedBy }, members }: { version: VersionRowFragment; members: Publishers }) {
  const viewer = useViewer();
  const publisher = members.get(id);
  const stranger = publishedBy.startsWith("key:") ? "an API key" : "a member";
  const text = publishedBy === viewer?.subject ? "you" : publisher ? (publisher.name ?? publisher.email) : stranger;
  return <span title={publisher?.email ?? publishedBy}>{text}</span>;
}
