"use client";

import type { SettingsFormFragment } from "@/gql/settings";
import { changesOf, orNone } from "@/data/form-values";
import { choiceInput, choiceOf } from "@/providers/choice";
import { ChoiceFields } from "@/providers/choice-fields";
import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

const draftOf = ({ defaults }: SettingsFormFragment) => ({
  "defaults.llm": choiceOf(defaults.llm),
  "defaults.stt": choiceOf(defaults.stt),
  "defaults.tts": choiceOf(defaults.tts),
  "defaults.vad": choiceOf(defaults.vad),
  "defaults.language": defaults.language ?? "",
});
type Draft = ReturnType<typeof draftOf>;

const defaultsOf = (draft: Draft) => ({
  llm: choiceInput(draft["defaults.llm"]),
  stt: choiceInput(draft["defaults.stt"]),
  tts: choiceInput(draft["defaults.tts"]),
  vad: choiceInput(draft["defaults.vad"]),
  language: orNone(draft["defaults.language"]),
});

const CHOICES = [
  { name: "defaults.llm", kind: "LLM", title: "Language model" },
  { name: "defaults.stt", kind: "STT", title: "Speech to text" },
  { name: "defaults.tts", kind: "TTS", title: "Text to speech" },
  { name: "defaults.vad", kind: "VAD", title: "Voice activity detection" },
] as const;

export function DefaultsSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "defaults",
    draftOf,
    inputOf: (draft, base) => ({ defaults: changesOf(defaultsOf(draft), defaultsOf(draftOf(base))) }),
  });
  const { draft, set, text } = form;
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The defaults were saved. Workflows have them from their next publication on.")}>
      <Section title="Language" text="For agents that name no languages.">
        <Field label="Default language" placeholder="en-US" hint="A BCP 47 tag." {...text("defaults.language")} />
      </Section>
      {CHOICES.map(({ name, kind, title }) => (
        <Section key={name} title={title} text="For agents that choose no provider themselves.">
          <ChoiceFields
            kind={kind}
            none={kind === "VAD" ? "The built-in one" : "None"}
            choice={draft[name]}
            at={name}
            form={form}
            onChange={(choice) => set(name, choice)}
          />
        </Section>
      ))}
    </EditedForm>
  );
}
