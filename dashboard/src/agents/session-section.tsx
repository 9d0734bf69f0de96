"use client";

import { useId, type ReactNode } from "react";
import { problemAt } from "@/data/problem";
import type { InterruptedBy, SpokenText } from "@/gql/agent";
import { Check } from "@/ui/check";
import type { CodeCompletion } from "@/ui/code-editor";
import { Choice, Field, TextArea } from "@/ui/field";
import { Rows } from "@/ui/rows";
import { Section } from "@/ui/section";
import { hasRules, tagsOf, type Draft } from "./draft";
import type { SectionProps } from "./prompt-section";
import { TemplateEditor } from "./template-editor";

interface Props extends SectionProps {
  completions: readonly CodeCompletion[];
}

type NumberName = "minEndpointingDelay" | "maxEndpointingDelay" | "disconnectAfter" | "timeLimit" | "minWords" | "minDuration" | "resumeDelay";

interface NumberProps {
  name: NumberName;
  label: string;
  hint: string;
  min: number;
  max: number;
  step?: number | "any";
  placeholder?: string;
}

const INTERRUPTED_BY: Record<InterruptedBy, string> = {
  WORDS: "Words: it speaks on until it has recognised words",
  SOUND: "Any sound: it pauses, and continues if no words follow",
  NOTHING: "Nothing: it always finishes, and replies afterwards",
};

export function SessionSection({ draft, problems, isDisabled, set, completions }: Props) {
  const id = useId();
  const number = (group: "session" | "session.interruption", { name, placeholder, step = "any", ...more }: NumberProps) => (
    <Field
      {...more}
      type="number"
      step={step}
      required={placeholder === undefined}
      placeholder={placeholder}
      value={draft[name]}
      disabled={isDisabled}
      problem={problems[`${group}.${name}`]}
      onChange={({ target }) => set(name, target.value)}
    />
  );
  return (
    <Section id="session" title="Session">
      <Group id={`${id}-turns`} title="Turns and limits">
        <div className="grid gap-4 sm:grid-cols-2">
          {number("session", {
            ...{ name: "minEndpointingDelay", label: "Shortest silence that ends a turn (s)", min: 0, max: 10 },
            hint: "Not used with Flux, which detects the end of a turn itself.",
          })}
          {number("session", {
            ...{ name: "maxEndpointingDelay", label: "Longest wait for the caller to finish (s)", min: 0, max: 30 },
            hint: "While the caller does not seem to have finished.",
          })}
          {number("session", {
            ...{ name: "disconnectAfter", label: "Silence that ends the call (s)", min: 5, max: 3600 },
            hint: "Neither side speaks, and no tool runs.",
          })}
          {number("session", {
            ...{ name: "timeLimit", label: "Longest time with this agent (s)", min: 1, max: 86_400, placeholder: "No limit" },
            hint: "The agent announces the end of the call before it is reached.",
          })}
        </div>
      </Group>
      <Group id={`${id}-silence`} title="When the caller is silent">
        <Rows<Draft["silence"][number]>
          what="silence prompt"
          label="Silence prompts"
          rows={draft.silence}
          problem={problems["session.silence"]}
          nameOf={({ delay }, index) => (delay ? `the prompt after ${delay} s` : `prompt ${index + 1}`)}
          onChange={(silence) => set("silence", silence)}
          max={5}
          isDisabled={isDisabled}
          create={() => ({ delay: String(Number(draft.silence.at(-1)?.delay ?? 0) + 10), say: "" })}
        >
          {(item, index, change) => (
            <div className="grid gap-4 sm:grid-cols-[9rem_minmax(0,1fr)]">
              <Field
                label="After (s)"
                type="number"
                step="any"
                min={0}
                required
                value={item.delay}
                disabled={isDisabled}
                problem={problems[`session.silence.${index}.delay`] ?? problems[`session.silence.${index}`]}
                onChange={({ target }) => change({ delay: target.value })}
              />
              <TemplateEditor
                label="Says"
                hint="Empty: “Are you still there?” in the language of the call."
                value={item.say}
                completions={completions}
                readOnly={isDisabled}
                problem={problems[`session.silence.${index}.say`]}
                onChange={(say) => change({ say })}
              />
            </div>
          )}
        </Rows>
      </Group>
      <Group id={`${id}-interruptions`} title="Interruptions">
        <Choice
          label="The agent is interrupted by"
          value={draft.by}
          disabled={isDisabled}
          problem={problems["session.interruption.by"]}
          onChange={({ target }) => set("by", isInterruptedBy(target.value) ? target.value : draft.by)}
        >
          {Object.entries(INTERRUPTED_BY).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </Choice>
        {hasRules(draft) && (
          <>
            <div className="grid gap-4 sm:grid-cols-3">
              {number("session.interruption", {
                ...{ name: "minWords", label: "Fewest words", min: 1, max: 10, step: 1 },
                hint: "Fewer words, said while it speaks, are dropped.",
              })}
              {number("session.interruption", {
                ...{ name: "minDuration", label: "Shortest speech (s)", min: 0.05, max: 3 },
                hint: "Shorter words interrupt once they are transcribed.",
              })}
              {number("session.interruption", {
                ...{ name: "resumeDelay", label: "Continues after (s)", min: 0.3, max: 10, placeholder: "Never" },
                hint: "Silence after a pause for a sound.",
              })}
            </div>
            <Phrases
              {...{ draft, set, problems, isDisabled, name: "ignore", built: "the acknowledgements of its languages, such as “mhm”" }}
              label="Own phrases that do not interrupt"
            />
            <Phrases
              {...{ draft, set, problems, isDisabled, name: "always", built: "the demands of its languages, such as “stop”" }}
              label="Own phrases that interrupt at once"
            />
          </>
        )}
      </Group>
    </Section>
  );
}

const isInterruptedBy = (value: string): value is InterruptedBy => value in INTERRUPTED_BY;

function Group({ id, title, children }: { id: string; title: string; children: ReactNode }) {
  return (
    <div role="group" aria-labelledby={id} className="grid gap-3 border-t pt-4 first:border-0 first:pt-0">
      <h3 id={id} className="text-sm font-semibold">
        {title}
      </h3>
      {children}
    </div>
  );
}

interface PhrasesProps extends SectionProps {
  name: "ignore" | "always";
  label: string;
  /** What the built-in phrases are. */
  built: string;
}

function Phrases({ draft, problems, isDisabled, set, name, label, built }: PhrasesProps) {
  const phrases = draft[name];
  const problem = problemAt(problems, `session.interruption.${name}`);
  return (
    <div className="grid gap-2">
      <Check
        label={label}
        checked={phrases !== null}
        disabled={isDisabled}
        onChange={({ target }) => set(name, target.checked ? "" : null)}
      />
      {phrases === null ? (
        <p className="pl-6 text-xs text-muted">Built in: {built}.</p>
      ) : (
        <TextArea
          label={<span className="sr-only">{label}, one a line</span>}
          rows={3}
          hint="One a line, at most 50. They replace the built-in ones; none if this is empty."
          value={phrases}
          disabled={isDisabled}
          problem={problem}
          onChange={({ target }) => set(name, target.value)}
        />
      )}
    </div>
  );
}

const TEXTS: Record<SpokenText, { label: string; built: string }> = {
  STILL_THERE: { label: "The caller is silent", built: "Are you still there?" },
  CONNECTION_DROPPED: { label: "The connection was lost", built: "Sorry, the line dropped for a moment." },
  CANNOT_ANSWER: { label: "The model failed", built: "I am sorry, I cannot answer right now. Please try again." },
  CANNOT_HEAR: { label: "Speech recognition failed", built: "I am sorry, I cannot hear you just now. One moment, please." },
  TECHNICAL_PROBLEM: { label: "A provider keeps failing", built: "I am sorry, we have a technical problem. Please call again later." },
  ENDING_SOON: { label: "The call ends soon", built: "We have to finish in a moment." },
  BUDGET_EXHAUSTED: { label: "A budget ends a text call", built: "We have to end here, I am sorry. Please try again later. Goodbye." },
};
const isSpokenText = (value: string): value is SpokenText => value in TEXTS;

export function SpokenTextsSection({ draft, problems, isDisabled, set, completions }: Props) {
  return (
    <Section
      id="texts"
      title="Spoken texts"
      text="The agent’s own wording of what it says without its model. The wording of the tenant, else the built-in one, applies to the rest."
    >
      <Rows<Draft["spokenTexts"][number]>
        what="wording"
        label="Spoken texts"
        rows={draft.spokenTexts}
        problem={problems.spokenTexts}
        nameOf={({ text, language }) => `“${TEXTS[text]?.label ?? text}” in ${language || "no language"}`}
        onChange={(texts) => set("spokenTexts", texts)}
        max={100}
        isDisabled={isDisabled}
        create={() => ({ text: "STILL_THERE", language: draft.defaultLanguage || (tagsOf(draft.languages)[0] ?? "en"), say: "" })}
      >
        {(item, index, change) => (
          <div className="grid gap-4">
            <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
              <Choice
                label="When"
                value={item.text}
                disabled={isDisabled}
                problem={problems[`spokenTexts.${index}.text`] ?? problems[`spokenTexts.${index}`]}
                onChange={({ target }) => change({ text: isSpokenText(target.value) ? target.value : item.text })}
              >
                {!isSpokenText(item.text) && <option value={item.text}>{item.text}</option>}
                {Object.entries(TEXTS).map(([value, { label }]) => (
                  <option key={value} value={value}>
                    {label}
                  </option>
                ))}
              </Choice>
              <Field
                label="Language"
                value={item.language}
                disabled={isDisabled}
                required
                problem={problems[`spokenTexts.${index}.language`]}
                onChange={({ target }) => change({ language: target.value })}
              />
            </div>
            <TemplateEditor
              label="Says"
              hint={`Built in, in English: ${TEXTS[item.text]?.built ?? ""}`}
              value={item.say}
              completions={completions}
              readOnly={isDisabled}
              problem={problems[`spokenTexts.${index}.say`]}
              onChange={(say) => change({ say })}
            />
          </div>
        )}
      </Rows>
    </Section>
  );
}
