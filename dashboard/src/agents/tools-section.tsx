"use client";

import { Link } from "@/ui/link";
import { useDeferredValue, useState, type ReactNode } from "react";
import { useQuery } from "urql";
import { problemAt, problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { AgentToolsDocument, type AgentFormFragment } from "@/gql/agent";
import { Button } from "@/ui/button";
import { controlClass } from "@/ui/field";
import { Section } from "@/ui/section";
import { Skeleton } from "@/ui/states";
import type { SectionProps } from "./prompt-section";

interface Props extends SectionProps {
  /** The tools that the agent had when it was read. */
  known: AgentFormFragment["tools"];
}

const MAX_TOOLS = 64;

export function ToolsSection({ draft, problems, isDisabled, set, known }: Props) {
  const mayRead = useMay("TOOLS_READ");
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim());
  const [{ data, error }] = useQuery({
    query: AgentToolsDocument,
    variables: { search: wanted || null },
    pause: !mayRead,
    requestPolicy: "cache-and-network",
  });
  const found = data?.tools?.edges.map(({ node }) => node);
  const about = new Map([...known, ...(found ?? [])].map((tool) => [tool.name, tool]));
  const offered = found?.filter(({ name }) => !draft.tools.includes(name)) ?? [];
  const problem = problemAt(problems, "tools");
  const isFull = draft.tools.length >= MAX_TOOLS;
  return (
    <Section id="tools" title="Tools" text="What the model may call during a conversation with this agent.">
      {draft.tools.length === 0 && <p className="text-sm text-muted">The agent has no tools.</p>}
      {draft.tools.length > 0 && (
        <ul aria-label="Tools of the agent" className="grid gap-1">
          {draft.tools.map((name) => (
            <ToolRow key={name} name={name} id={about.get(name)?.id} description={about.get(name)?.description}>
              {!isDisabled && (
                <Button onClick={() => set("tools", draft.tools.filter((each) => each !== name))}>
                  Detach<span className="sr-only"> {name}</span>
                </Button>
              )}
            </ToolRow>
          ))}
        </ul>
      )}
      {problem && <p className="text-xs text-bad">{problem}</p>}
      {!isDisabled && (
        <div role="group" aria-label="Attach tools" className="grid gap-3 border-t pt-4">
          <input
            type="search"
            aria-label="Search tools by name"
            placeholder="Name of a tool"
            value={search}
            disabled={!mayRead}
            onChange={({ target }) => setSearch(target.value)}
            onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
            className={`${controlClass} h-9 max-w-64`}
          />
          {!mayRead && <p className="text-sm text-muted">Your role may not see the tools of the tenant.</p>}
          {error && <p className="text-sm text-bad">{problemOf(error).text}</p>}
          {mayRead && !found && !error && <Skeleton className="h-24 w-full" />}
          {found && offered.length === 0 && (
            <p className="text-sm text-muted">
              {wanted ? "No other tool has such a name." : found.length ? "All tools are attached." : "There are no tools yet."}
            </p>
          )}
          {offered.length > 0 && (
            <ul aria-label="Other tools" className="grid gap-1">
              {offered.map(({ id, name, description }) => (
                <ToolRow key={name} name={name} id={id} description={description}>
                  <Button disabled={isFull} onClick={() => set("tools", [...draft.tools, name])}>
                    Attach<span className="sr-only"> {name}</span>
                  </Button>
                </ToolRow>
              ))}
            </ul>
          )}
          {isFull && <p className="text-xs text-muted">An agent may have at most {MAX_TOOLS} tools.</p>}
          {data?.tools?.pageInfo.hasNextPage && <p className="text-xs text-muted">There are more tools. Search for a part of the name.</p>}
        </div>
      )}
    </Section>
  );
}

interface RowProps {
  name: string;
  id: string | undefined;
  description: string | undefined;
  children: ReactNode;
}

const ToolRow = ({ name, id, description, children }: RowProps) => (
  <li className="flex items-center gap-3 py-1 text-sm">
    <span className="min-w-0 grow">
      {id ? (
        <Link
          href={`/tool/?id=${encodeURIComponent(id)}`}
          className="inline-flex min-h-6 items-center font-mono text-[13px] hover:underline"
        >
          {name}
        </Link>
      ) : (
        <span className="font-mono text-[13px]">{name}</span>
      )}
      {description && <span className="line-clamp-2 text-muted">{description}</span>}
    </span>
    {children}
  </li>
);
