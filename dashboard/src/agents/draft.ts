// The form of an agent as a value, and what of it has to be sent.

import type { AgentFormFragment, CreateAgentInput, ProviderChoiceInput, UpdateAgentInput } from "@/gql/agent";

export type Choices = "llm" | "stt" | "tts";

export interface Draft {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly system: string;
  readonly greeting: string;
  readonly interruptibleGreeting: boolean;
  /** BCP 47 tags, separated by commas. */
  readonly languages: string;
  readonly tools: readonly string[];
  /** Empty for the default of the tenant. */
  readonly llm: Model;
  readonly stt: Model;
  readonly tts: Model;
}

export interface Model {
  readonly provider: string;
  readonly model: string;
}

const DEFAULT: Model = { provider: "", model: "" };

export const NEW: Draft = {
  name: "",
  displayName: "",
  description: "",
  system: "",
  greeting: "",
  interruptibleGreeting: true,
  languages: "",
  tools: [],
  llm: DEFAULT,
  stt: DEFAULT,
  tts: DEFAULT,
};

const modelOf = (choice: { provider: string; model: string } | null): Model => (choice ? { provider: choice.provider, model: choice.model } : DEFAULT);

export const draftOf = (agent: AgentFormFragment): Draft => ({
  name: agent.name,
  displayName: agent.displayName ?? "",
  description: agent.description ?? "",
  system: agent.prompt.system,
  greeting: agent.prompt.greeting ?? "",
  interruptibleGreeting: agent.prompt.interruptibleGreeting,
  languages: agent.languages.join(", "),
  tools: agent.tools.map(({ name }) => name),
  llm: modelOf(agent.llm),
  stt: modelOf(agent.stt),
  tts: modelOf(agent.tts),
});

export const isSame = (a: Draft, b: Draft) => JSON.stringify(a) === JSON.stringify(b);

/** `now` where it differs from `before`, else `theirs`. */
export const merged = (now: Draft, before: Draft, theirs: Draft): Draft =>
  Object.fromEntries(
    (Object.keys(theirs) as (keyof Draft)[]).map((name) => [name, JSON.stringify(now[name]) === JSON.stringify(before[name]) ? theirs[name] : now[name]]),
  ) as unknown as Draft;

const listOf = (text: string) => text.split(/[,\s]+/).filter(Boolean);
const orNull = (text: string) => text.trim() || null;

/** Options belong to a provider, so another provider starts without any. */
function choiceOf(now: Model, before: Model): ProviderChoiceInput | null {
  if (!now.provider) return null;
  return now.provider === before.provider ? { model: now.model } : { provider: now.provider, model: now.model, options: null, fallbacks: [] };
}

export function createInput(draft: Draft): CreateAgentInput {
  const { system, greeting, interruptibleGreeting } = draft;
  const models = Object.fromEntries(
    (["llm", "stt", "tts"] as const).filter((kind) => draft[kind].provider).map((kind) => [kind, { provider: draft[kind].provider, model: draft[kind].model }]),
  );
  return {
    name: draft.name.trim(),
    displayName: orNull(draft.displayName),
    description: orNull(draft.description),
    prompt: { system, greeting: orNull(greeting), interruptibleGreeting },
    languages: listOf(draft.languages),
    tools: [...draft.tools],
    ...models,
  };
}

/** Only what was changed, so that fields that the form does not show, or that others edit, stay as they are. */
export function updateInput(agent: AgentFormFragment, draft: Draft): UpdateAgentInput {
  const before = draftOf(agent);
  const input: UpdateAgentInput = { id: agent.id, expectedRevision: agent.revision };
  if (draft.name !== before.name) input.name = draft.name.trim();
  if (draft.displayName !== before.displayName) input.displayName = orNull(draft.displayName);
  if (draft.description !== before.description) input.description = orNull(draft.description);
  if (draft.languages !== before.languages) input.languages = listOf(draft.languages);
  if (draft.tools.join() !== before.tools.join()) input.tools = [...draft.tools];
  const prompt = {
    ...(draft.system !== before.system && { system: draft.system }),
    ...(draft.greeting !== before.greeting && { greeting: orNull(draft.greeting) }),
    ...(draft.interruptibleGreeting !== before.interruptibleGreeting && { interruptibleGreeting: draft.interruptibleGreeting }),
  };
  if (Object.keys(prompt).length) input.prompt = prompt;
  for (const kind of ["llm", "stt", "tts"] as const) {
    const [now, then] = [draft[kind], before[kind]];
    if (now.provider !== then.provider || now.model !== then.model) input[kind] = choiceOf(now, then);
  }
  return input;
}

/** The field of the form that a path of the API leads to, such as `["input", "prompt", "system"]`. */
export function fieldOf(path: readonly string[]): string {
  const [, first = "", second = ""] = path;
  return first === "prompt" ? second || "system" : first;
}
