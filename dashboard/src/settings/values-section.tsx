"use client";

import { EditedForm } from "@/ui/edited-form";
import { JsonField, objectOf } from "@/ui/json-field";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

export function ValuesSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "values",
    draftOf: ({ values }) => ({ values }),
    inputOf: ({ values }) => ({ values: objectOf("values", values) }),
  });
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The values were saved.")}>
      <Section title="Values" text={"Facts about your organisation that all agents may use. Templates read them as {{tenant.settings.<key>}}."}>
        <JsonField
          label="Values"
          rows={14}
          hint={"A JSON object, such as {\"name\": \"Sunrise Clinic\", \"opening_hours\": \"9 to 17\"}. Keep no secrets here."}
          value={form.draft.values}
          problem={form.problemAt("values")}
          onChange={(values) => form.set("values", values)}
        />
      </Section>
    </EditedForm>
  );
}
