"use client";

import { useId, useState } from "react";
import { problemAt, type Problems } from "@/data/problem";
import type { Catalog } from "@/providers/catalog";
import { ChainEditor } from "@/providers/chain-editor";
import { Listen } from "@/providers/listen";
import { findProvider, modelOf, nameOfModel, voiceFor, type Kind, type Model, type Provider as CatalogProvider } from "@/providers/models";
import type { CodeCompletion } from "@/ui/code-editor";
import { Choice, Field, TextArea } from "@/ui/field";
import { Rows } from "@/ui/rows";
import { Section } from "@/ui/section";
import type { Defaults } from "./catalog";
import { tagsOf, type Draft } from "./draft";
import type { SectionProps } from "./prompt-section";
import { TemplateEditor } from "./template-editor";

interface Props extends SectionProps {
  catalog: Catalog;
  defaults: Defaults | null;
}

function Provider({ kind, draft, set, catalog, defaults, ...more }: Props & { kind: Kind }) {
  const languages = kind === "stt" || kind === "tts" ? tagsOf(draft.languages) : [];
  const inherited = defaults?.[kind] ?? null;
  const first = draft.defaultLanguage || languages[0] || defaults?.language || draft.voices[0]?.language || "";
  const none = inherited
    ? `Default of the tenant: ${nameOfModel(catalog.providers, kind, inherited)}.`
    : kind === "vad"
      ? "Default of the tenant, or the built-in one."
      : defaults
        ? "The settings have no default, so calls need a provider here."
        : "Default of the tenant.";
  return (
    <ChainEditor
      {...more}
      {...{ kind, catalog, languages, inherited, none }}
      spoken={{ language: first, voice: voiceFor(draft.voices, first) }}
      path={kind}
      chain={draft[kind]}
      onChange={(chain) => set(kind, chain)}
    />
  );
}

export function ModelsSection(props: Props) {
  return (
    <Section id="models" title="Models" text="When a provider fails, the next one takes over within the same sentence.">
      {(["llm", "stt", "vad"] as const).map((kind) => (
        <div key={kind} className="border-t pt-4 first:border-0 first:pt-0">
          <Provider {...props} kind={kind} />
        </div>
      ))}
    </Section>
  );
}

export function VoiceSection({ completions, ...props }: Props & { completions: readonly CodeCompletion[] }) {
  const { draft, set, problems, isDisabled, catalog, defaults } = props;
  const id = useId();
  const model = draft.tts[0] ?? (defaults?.tts ? modelOf(defaults.tts) : null);
  const provider = findProvider(catalog.providers, "tts", model?.provider);
  const spoken = tagsOf(draft.languages);
  return (
    <Section id="voice" title="Voice">
      <Provider {...props} kind="tts" />
      <div role="group" aria-labelledby={`${id}-voices`} className="grid gap-3 border-t pt-4">
        <div>
          <h3 id={`${id}-voices`} className="text-sm font-semibold">
            Voices
          </h3>
          <p className="text-xs text-muted">
            The voice for each language. A language without one is spoken in the usual voice of the provider, and fallbacks of other
            providers use their own.
          </p>
        </div>
        <Rows<Draft["voices"][number]>
          what="voice"
          label="Voices"
          rows={draft.voices}
          problem={problems.voices}
          nameOf={({ language }, index) => (language ? `the voice for ${language}` : `voice ${index + 1}`)}
          onChange={(voices) => set("voices", voices)}
          max={32}
          isDisabled={isDisabled}
          create={() => ({ language: spoken.find((tag) => !draft.voices.some(({ language }) => language === tag)) ?? "", voice: "" })}
        >
          {(item, index, change) => (
            <VoiceForm
              {...{ item, completions, isDisabled, provider, catalog, model, lists: id }}
              onChange={change}
              problems={{
                language: problems[`voices.${index}.language`] ?? problems[`voices.${index}`] ?? "",
                voice: problems[`voices.${index}.voice`] ?? "",
              }}
            />
          )}
        </Rows>
        <datalist id={`${id}-languages`}>
          {(spoken.length ? spoken : (provider?.languages ?? [])).map((tag) => (
            <option key={tag} value={tag} label={languageName(tag)} />
          ))}
        </datalist>
        <datalist id={`${id}-known`}>
          {provider?.voices.map((voice) => (
            <option key={voice} value={voice} />
          ))}
        </datalist>
      </div>
    </Section>
  );
}

interface VoiceProps {
  item: Draft["voices"][number];
  onChange(item: Partial<Draft["voices"][number]>): void;
  problems: Problems;
  completions: readonly CodeCompletion[];
  catalog: Catalog;
  /** The first provider of the agent; null if it has none. */
  model: Model | null;
  provider: CatalogProvider | undefined;
  /** What the ids of the lists of languages and voices begin with. */
  lists: string;
  isDisabled: boolean;
}

function VoiceForm({ item, onChange, problems: saved, completions, catalog, model, provider, lists, isDisabled }: VoiceProps) {
  const [heard, setHeard] = useState<Problems>({});
  const problems = { ...saved, ...heard };
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Language"
        list={`${lists}-languages`}
        value={item.language}
        disabled={isDisabled}
        required
        problem={problems.language}
        onChange={({ target }) => onChange({ language: target.value })}
      />
      {provider?.voices.length && !item.voice.includes("{{") ? (
        <Field
          label="Voice"
          list={`${lists}-known`}
          value={item.voice}
          disabled={isDisabled}
          required
          problem={problems.voice}
          onChange={({ target }) => onChange({ voice: target.value })}
        />
      ) : (
        <TemplateEditor
          label="Voice"
          hint={`Id of the voice at ${provider?.displayName ?? "the provider"}, or a slot.`}
          value={item.voice}
          completions={completions}
          readOnly={isDisabled}
          problem={problems.voice}
          onChange={(voice) => onChange({ voice })}
        />
      )}
      {model && (
        <div className="sm:col-span-2">
          <Listen
            {...{ ...item, catalog, model }}
            what={`the voice for ${item.language || "no language yet"}`}
            missing={!item.voice.trim() && "Enter a voice to hear it."}
            isShown={(at) => at === "voice" || at === "language"}
            onProblems={setHeard}
          />
        </div>
      )}
    </div>
  );
}

const NAMES = new Intl.DisplayNames("en", { type: "language" });

/** `Hindi (India)` for `hi-IN`; the tag itself if it is none. */
function languageName(tag: string): string {
  try {
    return NAMES.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function LanguagesSection({ draft, problems, isDisabled, set }: SectionProps) {
  const tags = tagsOf(draft.languages);
  const names = tags.map(languageName).join(", ");
  const isListed = !draft.defaultLanguage || tags.includes(draft.defaultLanguage);
  return (
    <Section id="languages" title="Languages">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Languages"
          placeholder="en-US, hi-IN"
          hint={names ? `${names}.` : "BCP 47 tags. Empty: the default language of the tenant."}
          value={draft.languages}
          disabled={isDisabled}
          problem={problemAt(problems, "languages")}
          autoCapitalize="none"
          spellCheck={false}
          onChange={({ target }) => set("languages", target.value)}
        />
        <Choice
          label="Spoken first"
          hint="Until the language of the caller is known."
          value={draft.defaultLanguage}
          disabled={isDisabled}
          problem={problems.defaultLanguage}
          onChange={({ target }) => set("defaultLanguage", target.value)}
        >
          <option value="">{tags[0] ? `The first one: ${languageName(tags[0])}` : "The default of the tenant"}</option>
          {!isListed && <option value={draft.defaultLanguage}>{draft.defaultLanguage}, which is not listed</option>}
          {tags.map((tag) => (
            <option key={tag} value={tag}>
              {languageName(tag)}
            </option>
          ))}
        </Choice>
      </div>
      <TextArea
        label="Key terms"
        rows={3}
        hint="Words and names that speech recognition should expect, one a line, at most 100. Only nova-3 and Flux of Deepgram use them."
        value={draft.keyterms}
        disabled={isDisabled}
        problem={problemAt(problems, "keyterms")}
        onChange={({ target }) => set("keyterms", target.value)}
      />
    </Section>
  );
}
