"use client";

import type { SettingsFormFragment, SpokenText } from "@/gql/settings";
import { EditedForm } from "@/ui/edited-form";
import { Choice, Field, TextArea } from "@/ui/field";
import { Rows } from "@/ui/rows";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

const TEXTS: Record<SpokenText, string> = {
  CONNECTION_DROPPED: "The connection had a gap, and the call continues",
  CANNOT_ANSWER: "The model failed, so there is no reply",
  CANNOT_HEAR: "Speech recognition failed, and is tried again",
  TECHNICAL_PROBLEM: "A provider keeps failing, and the call ends",
  STILL_THERE: "The caller is silent",
  ENDING_SOON: "The call ends soon",
  BUDGET_EXHAUSTED: "A budget is exhausted, and the text call ends",
};

type TextRow = Readonly<SettingsFormFragment["spokenTexts"][number]>;

const NEW: TextRow = { text: "STILL_THERE", language: "", say: "" };

export function TextsSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "texts",
    draftOf: ({ spokenTexts }) => ({ spokenTexts: spokenTexts.map(({ text, language, say }): TextRow => ({ text, language, say })) as readonly TextRow[] }),
    inputOf: ({ spokenTexts }) => ({ spokenTexts: spokenTexts.map((row) => ({ ...row, language: row.language.trim() })) }),
  });
  const { draft, set, problems, problemAt } = form;
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The spoken texts were saved.")}>
      <Section title="Spoken texts" text="Your wording of what agents say without their model. The built-in texts apply to the rest, and those of an agent come first.">
        <Rows
          what="text"
          rows={draft.spokenTexts}
          problem={problems.spokenTexts}
          none="You have no wording of your own."
          onChange={(rows) => set("spokenTexts", rows)}
          create={() => NEW}
        >
          {(row, index, change) => {
            const at = `spokenTexts.${index}`;
            return (
              <div className="grid gap-4">
                <div className="grid gap-4 sm:grid-cols-[2fr_1fr]">
                  <Choice label="When" value={row.text} problem={problemAt(`${at}.text`)} onChange={({ target }) => change({ text: target.value as SpokenText })}>
                    {Object.entries(TEXTS).map(([text, label]) => (
                      <option key={text} value={text}>
                        {label}
                      </option>
                    ))}
                  </Choice>
                  <Field
                    label="Language"
                    placeholder="en"
                    hint="Without a region: all of its regions."
                    autoCapitalize="none"
                    spellCheck={false}
                    value={row.language}
                    problem={problemAt(`${at}.language`)}
                    onChange={({ target }) => change({ language: target.value })}
                  />
                </div>
                <TextArea label="What the agent says" rows={2} maxLength={500} value={row.say} problem={problemAt(`${at}.say`)} onChange={({ target }) => change({ say: target.value })} />
                {problems[at] && <p className="text-xs text-bad">{problems[at]}</p>}
              </div>
            );
          }}
        </Rows>
      </Section>
    </EditedForm>
  );
}
