"use client";

import type { SettingsFormFragment } from "@/gql/settings";
import { changesOf, orNone } from "@/data/form-values";
import { InvalidField } from "@/data/use-form";
import { useMay } from "@/data/viewer";
import { useCatalog } from "@/providers/catalog";
import { ChainEditor } from "@/providers/chain-editor";
import { chainOf, choiceOf, KINDS, unfinished } from "@/providers/models";
import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Section } from "@/ui/section";
import { Loading, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

const draftOf = ({ defaults }: SettingsFormFragment) => ({
  "defaults.llm": chainOf(defaults.llm),
  "defaults.stt": chainOf(defaults.stt),
  "defaults.tts": chainOf(defaults.tts),
  "defaults.vad": chainOf(defaults.vad),
  "defaults.language": defaults.language ?? "",
});
type Draft = ReturnType<typeof draftOf>;

const defaultsOf = (draft: Draft) => ({
  llm: choiceOf(draft["defaults.llm"]),
  stt: choiceOf(draft["defaults.stt"]),
  tts: choiceOf(draft["defaults.tts"]),
  vad: choiceOf(draft["defaults.vad"]),
  language: orNone(draft["defaults.language"]),
});

export function DefaultsSection(props: SectionProps) {
  const toast = useToast();
  const mayWrite = useMay("SETTINGS_WRITE");
  const catalog = useCatalog();
  const form = useSettingsForm({
    ...props,
    name: "defaults",
    draftOf,
    inputOf: (draft, base) => {
      const [early] = KINDS.flatMap((kind) => unfinished(catalog.providers, kind, draft[`defaults.${kind}`], `defaults.${kind}`));
      if (early) throw new InvalidField(...early);
      return { defaults: changesOf(defaultsOf(draft), defaultsOf(draftOf(base))) };
    },
  });
  const { draft, set, text } = form;
  const saved = () => toast("ok", "The defaults were saved. Workflows have them from their next publication on.");
  if (catalog.isFetching) {
    return (
      <Loading what="the providers">
        <div className="grid gap-5">
          <Skeleton className="h-40 w-full" />
          <Skeleton className="h-96 w-full" />
        </div>
      </Loading>
    );
  }
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={saved}>
      <Section title="Language" text="For agents that name no languages.">
        <Field label="Default language" placeholder="en-US" hint="A BCP 47 tag." {...text("defaults.language")} />
      </Section>
      <Section
        title="Providers"
        text="For agents that choose none themselves. When a provider fails, the next one takes over within the same sentence."
      >
        <NotRead what="The providers and the labels of keys" error={catalog.error} onRetry={catalog.reload} />
        {KINDS.map((kind) => (
          <div key={kind} className="border-t pt-4 first:border-0 first:pt-0">
            <ChainEditor
              kind={kind}
              none={kind === "vad" ? "The built-in one." : "There is no default, so agents have to choose."}
              chain={draft[`defaults.${kind}`]}
              onChange={(chain) => set(`defaults.${kind}`, chain)}
              catalog={catalog}
              spoken={{ language: draft["defaults.language"], voice: "" }}
              problems={form.problems}
              path={`defaults.${kind}`}
              isDisabled={!mayWrite}
            />
          </div>
        ))}
      </Section>
    </EditedForm>
  );
}
