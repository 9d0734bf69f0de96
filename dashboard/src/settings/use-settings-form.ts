"use client";

import { useStudio } from "agent-studio-client/react";
import { UpdateSettingsDocument, type SettingsFormFragment, type UpdateSettingsInput } from "@/gql/settings";
import { useEdited } from "@/data/use-edited";
import type { SectionName } from "./sections";

export interface SectionProps {
  settings: SettingsFormFragment;
  reload(): void;
}

interface Options<Draft extends object> extends SectionProps {
  name: SectionName;
  draftOf(settings: SettingsFormFragment): Draft;
  inputOf(draft: Draft, base: SettingsFormFragment): Omit<UpdateSettingsInput, "expectedRevision">;
}

/** The form of one section. All sections have the revision of the settings in common. */
export function useSettingsForm<Draft extends object>({ name, settings, reload, draftOf, inputOf }: Options<Draft>) {
  const studio = useStudio();
  return useEdited<SettingsFormFragment, Draft>({
    nameOf: () => `settings:${name}`,
    source: settings,
    draftOf: (source) => draftOf(source ?? settings),
    reload,
    save: async (draft, base) => {
      const before = base ?? settings;
      const result = await studio.mutate(UpdateSettingsDocument, { input: { expectedRevision: before.revision, ...inputOf(draft, before) } });
      return result.ok ? { ok: true, value: result.value.settings } : result;
    },
  });
}
