// The form of an agent as a value, and what of it has to be sent.

import { durationOf, secondsOf } from "@/data/format";
import { isSame } from "@/data/use-form";
import type {
  AgentFormFragment,
  CreateAgentInput,
  InterruptedBy,
  SessionSettingsInput,
  SpokenText,
  UpdateAgentInput,
} from "@/gql/agent";
import { chainOf, choiceOf, KINDS, type Chain, type Kind } from "@/providers/models";

/** Numbers are kept as they are typed, times in seconds; lists of phrases have one of them a line. */
export interface Draft extends Readonly<Record<Kind, Chain>> {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly system: string;
  readonly greeting: string;
  readonly interruptibleGreeting: boolean;
  readonly variables: readonly { readonly name: string; readonly default: string }[];
  readonly voices: readonly { readonly language: string; readonly voice: string }[];
  /** BCP 47 tags, separated by commas. */
  readonly languages: string;
  readonly defaultLanguage: string;
  readonly keyterms: string;
  readonly minEndpointingDelay: string;
  readonly maxEndpointingDelay: string;
  readonly disconnectAfter: string;
  readonly timeLimit: string;
  readonly silence: readonly { readonly delay: string; readonly say: string }[];
  readonly by: InterruptedBy;
  readonly minWords: string;
  readonly minDuration: string;
  readonly resumeDelay: string;
  /** Null for the built-in phrases. */
  readonly ignore: string | null;
  readonly always: string | null;
  readonly spokenTexts: readonly { readonly text: SpokenText; readonly language: string; readonly say: string }[];
  readonly tools: readonly string[];
}

/** The values that the API gives to a new agent. */
export const NEW: Draft = {
  name: "",
  displayName: "",
  description: "",
  system: "",
  greeting: "",
  interruptibleGreeting: true,
  variables: [],
  llm: [],
  stt: [],
  tts: [],
  vad: [],
  voices: [],
  languages: "",
  defaultLanguage: "",
  keyterms: "",
  minEndpointingDelay: "0.5",
  maxEndpointingDelay: "3",
  disconnectAfter: "300",
  timeLimit: "",
  silence: [],
  by: "WORDS",
  minWords: "1",
  minDuration: "0.5",
  resumeDelay: "2",
  ignore: null,
  always: null,
  spokenTexts: [],
  tools: [],
};

const secondsIn = (duration: string | null) => (duration === null ? "" : String(secondsOf(duration)));
const linesOf = (items: readonly string[] | null) => (items ? items.join("\n") : null);

export const draftOf = ({ prompt, session, ...agent }: AgentFormFragment): Draft => ({
  name: agent.name,
  displayName: agent.displayName ?? "",
  description: agent.description ?? "",
  system: prompt.system,
  greeting: prompt.greeting ?? "",
  interruptibleGreeting: prompt.interruptibleGreeting,
  variables: prompt.variables.map((each) => ({ name: each.name, default: each.default })),
  llm: chainOf(agent.llm),
  stt: chainOf(agent.stt),
  tts: chainOf(agent.tts),
  vad: chainOf(agent.vad),
  voices: agent.voices.map(({ language, voice }) => ({ language, voice })),
  languages: agent.languages.join(", "),
  defaultLanguage: agent.defaultLanguage ?? "",
  keyterms: agent.keyterms.join("\n"),
  minEndpointingDelay: secondsIn(session.minEndpointingDelay),
  maxEndpointingDelay: secondsIn(session.maxEndpointingDelay),
  disconnectAfter: secondsIn(session.disconnectAfter),
  timeLimit: secondsIn(session.timeLimit),
  silence: session.silence.map(({ delay, say }) => ({ delay: secondsIn(delay), say })),
  by: session.interruption.by,
  minWords: String(session.interruption.minWords),
  minDuration: secondsIn(session.interruption.minDuration),
  resumeDelay: secondsIn(session.interruption.resumeDelay),
  ignore: linesOf(session.interruption.ignore),
  always: linesOf(session.interruption.always),
  spokenTexts: agent.spokenTexts.map(({ text, language, say }) => ({ text, language, say })),
  tools: agent.tools.map(({ name }) => name),
});

const orNull = (text: string) => text.trim() || null;
const phrasesOf = (text: string | null) => text?.split("\n").map((each) => each.trim()).filter(Boolean) ?? null;

export const tagsOf = (languages: string) => languages.split(/[,\s]+/).filter(Boolean);

/** An agent that nothing interrupts has no rules for it: the form does not show them, and they are not sent. */
export const hasRules = ({ by }: Pick<Draft, "by">) => by !== "NOTHING";

function sessionOf(now: Draft, isChanged: (name: keyof Draft) => boolean): SessionSettingsInput {
  const rules = {
    ...(isChanged("minWords") && { minWords: Number(now.minWords) }),
    ...(isChanged("minDuration") && { minDuration: durationOf(Number(now.minDuration)) }),
    ...(isChanged("resumeDelay") && { resumeDelay: now.resumeDelay ? durationOf(Number(now.resumeDelay)) : null }),
    ...(isChanged("ignore") && { ignore: phrasesOf(now.ignore) }),
    ...(isChanged("always") && { always: phrasesOf(now.always) }),
  };
  const interruption = { ...(isChanged("by") && { by: now.by }), ...(hasRules(now) && rules) };
  return {
    ...(isChanged("minEndpointingDelay") && { minEndpointingDelay: durationOf(Number(now.minEndpointingDelay)) }),
    ...(isChanged("maxEndpointingDelay") && { maxEndpointingDelay: durationOf(Number(now.maxEndpointingDelay)) }),
    ...(isChanged("disconnectAfter") && { disconnectAfter: durationOf(Number(now.disconnectAfter)) }),
    ...(isChanged("timeLimit") && { timeLimit: now.timeLimit ? durationOf(Number(now.timeLimit)) : null }),
    ...(isChanged("silence") && { silence: now.silence.map(({ delay, say }) => ({ delay: durationOf(Number(delay)), say })) }),
    ...(Object.keys(interruption).length && { interruption }),
  };
}

/** What differs from `before`, so that fields that others edit stay as they are. */
function changesOf(now: Draft, before: Draft): Omit<UpdateAgentInput, "id" | "expectedRevision"> {
  const isChanged = (name: keyof Draft) => !isSame(now[name], before[name]);
  const prompt = {
    ...(isChanged("system") && { system: now.system }),
    ...(isChanged("greeting") && { greeting: orNull(now.greeting) }),
    ...(isChanged("interruptibleGreeting") && { interruptibleGreeting: now.interruptibleGreeting }),
    ...(isChanged("variables") && { variables: [...now.variables] }),
  };
  const session = sessionOf(now, isChanged);
  const models = Object.fromEntries(KINDS.filter(isChanged).map((kind) => [kind, choiceOf(now[kind])]));
  return {
    ...(isChanged("name") && { name: now.name.trim() }),
    ...(isChanged("displayName") && { displayName: orNull(now.displayName) }),
    ...(isChanged("description") && { description: orNull(now.description) }),
    ...(Object.keys(prompt).length && { prompt }),
    ...models,
    ...(isChanged("voices") && { voices: [...now.voices] }),
    ...(isChanged("languages") && { languages: tagsOf(now.languages) }),
    ...(isChanged("defaultLanguage") && { defaultLanguage: orNull(now.defaultLanguage) }),
    ...(isChanged("keyterms") && { keyterms: phrasesOf(now.keyterms) ?? [] }),
    ...(Object.keys(session).length && { session }),
    ...(isChanged("spokenTexts") && { spokenTexts: [...now.spokenTexts] }),
    ...(isChanged("tools") && { tools: [...now.tools] }),
  };
}

export const updateInput = (agent: AgentFormFragment, draft: Draft): UpdateAgentInput => ({
  ...changesOf(draft, draftOf(agent)),
  id: agent.id,
  expectedRevision: agent.revision,
});

export function createInput(draft: Draft): CreateAgentInput {
  const { name, prompt, languages, keyterms, voices, spokenTexts, tools, ...more } = changesOf(draft, NEW);
  return {
    ...more,
    name: name ?? "",
    prompt: prompt ?? { system: "" },
    languages: languages ?? [],
    keyterms: keyterms ?? [],
    voices: voices ?? [],
    spokenTexts: spokenTexts ?? [],
    tools: tools ?? [],
  };
}
