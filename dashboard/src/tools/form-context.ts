"use client";

// What every part of the form of a tool needs: problems, names to offer, and whether it may be edited.

import { createContext, useContext } from "react";
import { useQuery } from "urql";
import { isObject } from "@/data/json";
import { ToolNodesDocument, ToolSecretsDocument, ToolSettingsDocument, ToolTrunksDocument } from "@/gql/tool";
import { CALL_VALUES } from "@/agents/completions";
import type { Problems } from "@/data/problem";
import { useMay } from "@/data/viewer";
import type { CodeCompletion } from "@/ui/code-editor";
import { isRows, textOf } from "./codecs";
import { CHAINS, type Draft, type Step } from "./draft";
import { parsedObject } from "./json";

export interface Offers {
  readonly endpoints: readonly string[];
  readonly servers: readonly string[];
  /** Tools that a server of the settings allows, by its name. */
  readonly toolsOf: Readonly<Record<string, readonly string[]>>;
  readonly nodes: readonly string[];
  readonly trunks: readonly string[];
  /** Paths of the context that conditions and templates read. */
  readonly readable: readonly CodeCompletion[];
  readonly writable: readonly string[];
  /** Only what headers read. */
  readonly secrets: readonly CodeCompletion[];
  /** Digits that only headers and bodies of requests read. */
  readonly masked: readonly CodeCompletion[];
}

export interface FormContext {
  readonly offers: Offers;
  /** Those of a step are at its id. */
  readonly problems: Problems;
  readonly isReadOnly: boolean;
}

const NO_OFFERS: Offers = {
  endpoints: [],
  servers: [],
  toolsOf: {},
  nodes: [],
  trunks: [],
  readable: [],
  writable: [],
  secrets: [],
  masked: [],
};

export const ToolForm = createContext<FormContext>({ offers: NO_OFFERS, problems: {}, isReadOnly: false });
export const useToolForm = () => useContext(ToolForm);

const HISTORY = ["nodes", "handoffs", "previous", "turns"];

/** Every step of a tool, with those inside of branches. */
export const allSteps = (draft: Draft): readonly Step[] => CHAINS.flatMap((chain) => draft[chain].flatMap(withInner));
const withInner = (step: Step): readonly Step[] => [step, ...step.then.flatMap(withInner), ...step.otherwise.flatMap(withInner)];

const named = (namespace: string, names: readonly string[], detail: string): readonly CodeCompletion[] =>
  names.map((name) => ({ label: `${namespace}.${name}`, detail }));

/** The paths that the steps write. */
function writtenPaths(steps: readonly Step[]): readonly string[] {
  const paths = steps.flatMap(({ kind, values }) => {
    if (kind === "flagSet" || kind === "flagClear") return [`flags.${textOf(values.flag)}`];
    const saved = isRows(values.save) ? values.save.map(({ name }) => name) : [];
    const written = kind === "contextSet" || kind === "transform" ? [textOf(values.path)] : [textOf(values.saveTo)];
    return [...written, ...saved];
  });
  return [...new Set(paths.map((path) => path.replace(/\[\+\]$/, "")).filter((path) => /^\w+\.\w/.test(path)))];
}

/** What the form offers: names of the tenant, as far as the viewer may see them, and paths that the tool itself writes. */
export function useOffers(draft: Draft): Offers {
  const [{ data: settings }] = useQuery({ query: ToolSettingsDocument, pause: !useMay("SETTINGS_READ") });
  const [{ data: secrets }] = useQuery({ query: ToolSecretsDocument, pause: !useMay("CREDENTIALS_READ") });
  const [{ data: trunks }] = useQuery({ query: ToolTrunksDocument, pause: !useMay("TELEPHONY_READ") });
  const [{ data: workflows }] = useQuery({ query: ToolNodesDocument, pause: !useMay("WORKFLOWS_READ") });
  const steps = allSteps(draft);
  const written = writtenPaths(steps);
  const digits = steps
    .filter(({ kind }) => kind === "collectDigits")
    .map(({ values }) => ({ name: textOf(values.name), isMasked: values.masked === true }));
  const parameters = parsedObject(draft.parameters).object.properties;
  const values = settings?.settings?.values;
  const has = (kind: Step["kind"]) => steps.some((step) => step.kind === kind);
  const servers = settings?.settings?.mcpServers ?? [];
  const nodes = workflows?.workflows?.edges.flatMap(({ node }) => node.graph.nodes.map(({ key }) => key)) ?? [];
  return {
    endpoints: settings?.settings?.endpoints.map(({ name }) => name) ?? [],
    servers: servers.map(({ name }) => name),
    toolsOf: Object.fromEntries(servers.map(({ name, allow }) => [name, allow])),
    nodes: [...new Set(nodes)].sort(),
    trunks: trunks?.outboundTrunks?.edges.map(({ node }) => node.name) ?? [],
    writable: written,
    readable: [
      ...named("params", isObject(parameters) ? Object.keys(parameters) : [], "argument of the model"),
      ...written.map((path) => ({ label: path, detail: "written by this tool" })),
      ...named(
        "digits",
        digits.filter(({ name, isMasked }) => name && !isMasked).map(({ name }) => name),
        "pressed by the caller",
      ),
      ...(has("apiCall") ? named("response", ["status", "body"], "last response") : []),
      ...(has("mcpCall") ? named("response", ["content", "structured"], "last result") : []),
      ...named("tenant.settings", isObject(values) ? Object.keys(values) : [], "setting"),
      ...Object.entries(CALL_VALUES).map(([name, detail]) => ({ label: `call.${name}`, detail })),
      ...named("history", HISTORY, "the call"),
      { label: "user.", detail: "facts about the caller" },
      { label: "workflow.", detail: "shared by all agents" },
      { label: "agent.", detail: "of the active node" },
      { label: "flags.", detail: "true or false" },
    ],
    secrets: named("secret", secrets?.secrets?.map(({ name }) => name) ?? [], "secret"),
    masked: named(
      "masked",
      digits.filter(({ name, isMasked }) => name && isMasked).map(({ name }) => name),
      "masked digits",
    ),
  };
}
