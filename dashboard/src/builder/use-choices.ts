"use client";

import { nodes, RequestFailed } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useEffect, useState } from "react";
import { BuilderAgentsDocument, BuilderSettingsDocument, BuilderToolsDocument } from "@/gql/builder";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import type { AgentOfPalette } from "./findings";
import type { ToolDefinition } from "./paths";

export interface Choices {
  readonly agents: readonly AgentOfPalette[];
  readonly tools: readonly ToolDefinition[];
  readonly settings: unknown;
  /** Why there are no agents; empty if they could be read. */
  readonly problem: string;
}

/** All agents, and what conditions can read; null while the agents are loading. */
export function useChoices(): Choices | null {
  const studio = useStudio();
  const [mayAgents, mayTools, maySettings] = [useMay("AGENTS_READ"), useMay("TOOLS_READ"), useMay("SETTINGS_READ")];
  const [agents, setAgents] = useState<Pick<Choices, "agents" | "problem"> | null>(null);
  const [tools, setTools] = useState<readonly ToolDefinition[]>([]);
  const [settings, setSettings] = useState<unknown>(null);

  useEffect(() => {
    if (!mayAgents) return setAgents({ agents: [], problem: "Your role does not include reading agents." });
    return reading(
      (signal) =>
        all(nodes(studio, BuilderAgentsDocument, { withTools: mayTools }, { select: (data) => data.agents, pageSize: 100, signal })),
      (read) => setAgents({ agents: read, problem: "" }),
      (problem) => setAgents({ agents: [], problem }),
    );
  }, [studio, mayAgents, mayTools]);
  // Without tools and settings, conditions have fewer completions, and nothing else is missing.
  useEffect(() => {
    if (!mayTools) return;
    return reading(
      (signal) => all(nodes(studio, BuilderToolsDocument, {}, { select: (data) => data.tools, pageSize: 100, signal })),
      setTools,
    );
  }, [studio, mayTools]);
  useEffect(() => {
    if (!maySettings) return;
    return reading(async (signal) => {
      const result = await studio.query(BuilderSettingsDocument, {}, { signal });
      return result.ok ? result.value.settings?.values : null;
    }, setSettings);
  }, [studio, maySettings]);

  return agents && { ...agents, tools, settings };
}

async function all<Value>(values: AsyncIterable<Value>): Promise<readonly Value[]> {
  const read: Value[] = [];
  for await (const value of values) read.push(value);
  return read;
}

function reading<Value>(
  read: (signal: AbortSignal) => Promise<Value>,
  onRead: (value: Value) => void,
  onProblem: (text: string) => void = () => undefined,
) {
  const leaving = new AbortController();
  read(leaving.signal)
    .then((value) => leaving.signal.aborted || onRead(value))
    .catch((error: unknown) => {
      if (!leaving.signal.aborted) onProblem(error instanceof RequestFailed ? messageOf(error.error) : String(error));
    });
  return () => leaving.abort();
}
