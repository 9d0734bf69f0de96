// Where the form shows what is wrong with a value, by its path in the input, such as `session.silence.0.delay`.

export const SECTIONS = [
  { id: "about", title: "About" },
  { id: "prompt", title: "Prompt" },
  { id: "models", title: "Models" },
  { id: "voice", title: "Voice" },
  { id: "languages", title: "Languages" },
  { id: "tools", title: "Tools" },
  { id: "session", title: "Session" },
  { id: "texts", title: "Spoken texts" },
  { id: "used", title: "Used by" },
] as const;

export type SectionId = (typeof SECTIONS)[number]["id"];

const SECTION_OF: Readonly<Record<string, SectionId>> = {
  prompt: "prompt",
  llm: "models",
  stt: "models",
  vad: "models",
  tts: "voice",
  voices: "voice",
  languages: "languages",
  defaultLanguage: "languages",
  keyterms: "languages",
  tools: "tools",
  session: "session",
  spokenTexts: "texts",
};

export const hasSection = (path: string): boolean => (path.split(".")[0] ?? "") in SECTION_OF;

export const sectionOf = (path: string): SectionId => SECTION_OF[path.split(".")[0] ?? ""] ?? "about";
