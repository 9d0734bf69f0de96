"use client";

import { orNone } from "@/data/form-values";
import { Check } from "@/ui/check";
import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { Section } from "@/ui/section";
import { Suggested } from "@/ui/suggested";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

const ZONES = Intl.supportedValuesOf("timeZone");

export function HoursSection(props: SectionProps) {
  const toast = useToast();
  const form = useSettingsForm({
    ...props,
    name: "hours",
    draftOf: ({ allowedHours }) => ({
      isLimited: allowedHours !== null,
      "allowedHours.start": allowedHours?.start ?? "09:00",
      "allowedHours.end": allowedHours?.end ?? "20:00",
      "allowedHours.timeZone": allowedHours?.timeZone ?? "",
    }),
    inputOf: (draft) => ({
      allowedHours: draft.isLimited
        ? { start: draft["allowedHours.start"], end: draft["allowedHours.end"], timeZone: orNone(draft["allowedHours.timeZone"]) }
        : null,
    }),
  });
  const { draft, set, text, check, problemAt } = form;
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The calling hours were saved.")}>
      <Section title="Calling hours" text="When agents may call people. They apply to each outbound call that gives no hours of its own, and to scheduled calls when they are due.">
        <Check label="Call only at certain hours" {...check("isLimited")} />
        {draft.isLimited && (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Not before" type="time" {...text("allowedHours.start")} />
            <Field label="Not after" type="time" hint="Earlier than the start if the hours include midnight." {...text("allowedHours.end")} />
            <div className="sm:col-span-2">
              <Suggested
                label="Time zone"
                options={ZONES}
                placeholder="Europe/Berlin"
                hint="Empty: that of each phone number. If a number may be in several, the hour must be allowed in all of them."
                value={draft["allowedHours.timeZone"]}
                problem={problemAt("allowedHours.timeZone")}
                onChange={(zone) => set("allowedHours.timeZone", zone)}
              />
            </div>
          </div>
        )}
      </Section>
    </EditedForm>
  );
}
