"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { StartableWorkflowsDocument } from "@/gql/start-call";
import { StartCall } from "@/shell/start-call";
import { Icon } from "@/ui/icons";

const LINK = "inline-flex min-h-6 items-center text-accent underline";

/** The way of a new tenant to its first call. */
export function FirstSteps() {
  const [{ data }] = useQuery({ query: StartableWorkflowsDocument });
  if (!data) return null;
  const hasAgent = (data.agents?.edges.length ?? 0) > 0;
  const hasWorkflow = data.workflows?.edges.some(({ node }) => node.published) ?? false;
  const steps = [
    { isDone: hasAgent, title: "Describe an agent", text: "What it says, which model and which voice it uses.", page: "/agent/", docs: "/docs/api#an-agent-of-your-own" },
    { isDone: hasWorkflow, title: "Publish a workflow", text: "Join agents, and publish a version that calls run.", page: "/workflows/", docs: "/docs/workflows" },
    { isDone: false, title: "Start the first call", text: "Write with the agent here, or talk to it.", page: null, docs: "" },
  ];
  return (
    <section className="mb-5 rounded-xl border bg-surface p-5 shadow-soft">
      <h2 className="text-base font-semibold">Three steps to the first call</h2>
      <ol className="mt-4 grid gap-4 md:grid-cols-3">
        {steps.map(({ isDone, title, text, page, docs }, index) => (
          <li key={title} className="flex gap-3">
            <span
              className={`grid size-7 shrink-0 place-items-center rounded-full text-sm font-semibold ${isDone ? "bg-ok-soft text-ok" : "bg-accent-soft text-accent"}`}
            >
              {isDone ? <Icon name="check" width={16} height={16} aria-label="Done" aria-hidden={false} role="img" /> : index + 1}
            </span>
            <div className="text-sm">
              <h3 className="font-medium">{title}</h3>
              <p className="text-muted">{text}</p>
              {!isDone && page && (
                <p className="flex flex-wrap gap-x-4">
                  <Link href={page} className={LINK}>
                    {title}
                  </Link>
                  <a href={docs} className={LINK}>
                    How to do it
                  </a>
                </p>
              )}
              {!page && hasWorkflow && (
                <div className="mt-2">
                  <StartCall />
                </div>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
