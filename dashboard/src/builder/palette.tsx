"use client";

import { Link } from "@/ui/link";
import { useState } from "react";
import { Icon } from "@/ui/icons";
import { Skeleton } from "@/ui/states";
import { controlClass } from "@/ui/field";
import { AGENT_DRAG_TYPE } from "./canvas";
import type { AgentOfPalette } from "./findings";

interface Props {
  agents: readonly AgentOfPalette[] | undefined;
  problem: string;
  onAdd(agent: string): void;
}

const SEARCHED_FROM = 8;

/** The agents. One is added in the middle of the canvas, or where it is dropped. */
export function Palette({ agents, problem, onAdd }: Props) {
  const [typed, setTyped] = useState("");
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = agents?.filter(({ name, displayName }) =>
    words.every((word) => `${name} ${displayName ?? ""}`.toLowerCase().includes(word)),
  );
  return (
    <section aria-label="Agents" className="flex min-h-0 min-w-0 flex-col gap-2 rounded-xl border bg-surface p-3 shadow-soft">
      <h2 className="text-sm font-semibold">Add an agent</h2>
      {agents && agents.length > SEARCHED_FROM && (
        <input
          type="search"
          aria-label="Search agents"
          placeholder="Search"
          value={typed}
          className={`${controlClass} h-9`}
          onChange={({ target }) => setTyped(target.value)}
        />
      )}
      {problem && <p className="text-xs text-bad">{problem}</p>}
      {!shown && (
        <div className="grid gap-2">
          <Skeleton className="h-9 w-full" />
          <Skeleton className="h-9 w-full" />
        </div>
      )}
      <ul className="flex min-h-0 gap-1.5 overflow-auto p-0.5 xl:flex-col">
        {shown?.map(({ id, name, displayName, description }) => (
          <li key={id} className="shrink-0">
            <button
              type="button"
              draggable
              aria-label={`Add ${displayName ?? name}`}
              title={description ?? undefined}
              className="flex min-h-9 w-full items-center gap-2 rounded-md border bg-surface px-2.5 py-1 text-left text-sm hover:bg-hover"
              onClick={() => onAdd(name)}
              onDragStart={(event) => event.dataTransfer.setData(AGENT_DRAG_TYPE, name)}
            >
              <Icon name="agents" width={15} height={15} className="text-muted" />
              <span className="min-w-0 truncate">{displayName ?? name}</span>
            </button>
          </li>
        ))}
      </ul>
      {shown?.length === 0 && !problem && <p className="text-sm text-muted">{typed ? "No agent matches." : "There are no agents yet."}</p>}
      <Link href="/agent/" className="inline-flex min-h-6 items-center gap-1 text-sm underline">
        New agent
      </Link>
    </section>
  );
}
