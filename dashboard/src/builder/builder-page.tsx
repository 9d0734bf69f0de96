"use client";

import dynamic from "next/dynamic";
import { Link } from "@/ui/link";
import { BuilderDocument } from "@/gql/builder";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed } from "@/ui/states";
import { versionsHref } from "@/workflows/addresses";
import { PublishButton } from "@/workflows/publish";
import { BuilderSkeleton } from "./skeleton";

const TalkPanel = dynamic(() => import("@/draft-talk/talk-panel").then((module) => module.TalkPanel), { ssr: false });
/** React Flow measures what it draws, so it is not prerendered. */
const Builder = dynamic(() => import("./builder").then((module) => module.Builder), { ssr: false, loading: () => <BuilderSkeleton /> });

export function BuilderPage() {
  const [query] = useQueryString();
  const id = query.get("id");
  useTitle("Workflow");
  const [{ data, error }, again] = useRead({
    query: BuilderDocument,
    variables: { id: id ?? "" },
    pause: !id,
    requestPolicy: "network-only",
  });
  if (id && data?.workflow?.id === id) {
    return (
      <Builder
        key={id}
        workflow={data.workflow}
        actions={(stored) => (
          <>
            <Link href={versionsHref(id)} className={buttonClass("secondary")}>
              <Icon name="history" />
              Versions
            </Link>
            <PublishButton workflowId={id} {...stored} />
          </>
        )}
        talk={(stored) => <TalkPanel workflowId={id} {...stored} />}
      />
    );
  }
  return (
    <>
      <PageHeader title="Workflow" />
      {!id || (data && !data.workflow) ? (
        <NoWorkflow />
      ) : error ? (
        <Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} />
      ) : (
        <BuilderSkeleton />
      )}
    </>
  );
}

function NoWorkflow() {
  return (
    <Empty icon="workflow" title="There is no such workflow">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/workflows/" className={buttonClass("primary")}>
          Show all workflows
        </Link>
      </p>
    </Empty>
  );
}
