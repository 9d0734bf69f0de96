"use client";

import { useQuery } from "urql";
import { ProvidersDocument } from "@/gql/providers";
import type { PriceInput, ProviderKind, SettingsFormFragment } from "@/gql/settings";
import { amountOf, textOf } from "@/data/form-values";
import { EditedForm } from "@/ui/edited-form";
import { Choice, Field } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Rows } from "@/ui/rows";
import { Section } from "@/ui/section";
import { Suggested } from "@/ui/suggested";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

const UNITS = {
  inputTokens: "Per million input tokens",
  cachedTokens: "Per million cached input tokens",
  outputTokens: "Per million output tokens",
  characters: "Per million characters",
  audioHour: "Per hour of audio",
  minute: "Per minute",
} as const;
type UnitName = keyof typeof UNITS;
const UNIT_NAMES = Object.keys(UNITS) as readonly UnitName[];

/** What each kind is charged by. */
const KINDS: readonly { kind: ProviderKind; label: string; units: readonly UnitName[] }[] = [
  { kind: "LLM", label: "Language model", units: ["inputTokens", "cachedTokens", "outputTokens"] },
  { kind: "STT", label: "Speech to text", units: ["audioHour"] },
  { kind: "TTS", label: "Text to speech", units: ["characters", "audioHour"] },
  { kind: "TRUNK", label: "Phone calls", units: ["minute"] },
];
const unitsOf = (kind: ProviderKind) => KINDS.find((each) => each.kind === kind)?.units ?? [];

type PriceRow = { readonly kind: ProviderKind; readonly provider: string; readonly model: string } & Readonly<Record<UnitName, string>>;

const NEW: PriceRow = { kind: "LLM", provider: "", model: "", inputTokens: "", cachedTokens: "", outputTokens: "", characters: "", audioHour: "", minute: "" };

const rowOf = (price: SettingsFormFragment["prices"][number]): PriceRow => ({
  kind: price.kind,
  provider: price.provider,
  model: price.model,
  inputTokens: textOf(price.inputTokens),
  cachedTokens: textOf(price.cachedTokens),
  outputTokens: textOf(price.outputTokens),
  characters: textOf(price.characters),
  audioHour: textOf(price.audioHour),
  minute: textOf(price.minute),
});

function inputOf(row: PriceRow, index: number): PriceInput {
  const price: PriceInput = { kind: row.kind, provider: row.provider.trim(), model: row.model.trim() };
  for (const unit of unitsOf(row.kind)) price[unit] = amountOf(`prices.${index}.${unit}`, row[unit]);
  return price;
}

export function PricesSection(props: SectionProps) {
  const toast = useToast();
  const [{ data, error }, readProviders] = useQuery({ query: ProvidersDocument });
  const form = useSettingsForm({
    ...props,
    name: "prices",
    draftOf: ({ prices }) => ({ prices: prices.map(rowOf) as readonly PriceRow[] }),
    inputOf: ({ prices }) => ({ prices: prices.map(inputOf) }),
  });
  const { draft, set, problems, problemAt } = form;
  return (
    <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={() => toast("ok", "The prices were saved. They apply to calls from now on.")}>
      <Section
        title="Prices"
        text="Your own prices, in US dollars. They take precedence over the built-in list, which has the list prices of providers and none of carriers. Past calls keep the prices that they had."
      >
        <NotRead what="The names of providers and models" error={error} onRetry={() => readProviders({ requestPolicy: "network-only" })} />
        <Rows
          what="price"
          rows={draft.prices}
          problem={problems.prices}
          none="You have no prices of your own, so the built-in list applies."
          onChange={(rows) => set("prices", rows)}
          create={() => NEW}
        >
          {(row, index, change) => {
            const at = `prices.${index}`;
            const entries = data?.providers?.filter(({ kind }) => kind === row.kind) ?? [];
            const models = entries.find(({ name }) => name === row.provider)?.models ?? [];
            const isTrunk = row.kind === "TRUNK";
            return (
              <div className="grid gap-4">
                <div className="grid gap-4 sm:grid-cols-3">
                  <Choice label="For" value={row.kind} problem={problemAt(`${at}.kind`)} onChange={({ target }) => change({ kind: target.value as ProviderKind, provider: "", model: "" })}>
                    {KINDS.map(({ kind, label }) => (
                      <option key={kind} value={kind}>
                        {label}
                      </option>
                    ))}
                  </Choice>
                  <Suggested
                    label={isTrunk ? "Trunk" : "Provider"}
                    value={row.provider}
                    options={entries.map(({ name }) => name)}
                    problem={problemAt(`${at}.provider`)}
                    onChange={(provider) => change({ provider })}
                  />
                  <Suggested
                    label={isTrunk ? "Country" : "Model"}
                    placeholder={isTrunk ? "US" : ""}
                    value={row.model}
                    options={models}
                    problem={problemAt(`${at}.model`)}
                    onChange={(model) => change({ model })}
                  />
                </div>
                <div className="grid items-end gap-4 sm:grid-cols-3">
                  {UNIT_NAMES.filter((unit) => unitsOf(row.kind).includes(unit)).map((unit) => (
                    <Field
                      key={unit}
                      label={UNITS[unit]}
                      inputMode="decimal"
                      placeholder="–"
                      value={row[unit]}
                      problem={problemAt(`${at}.${unit}`)}
                      onChange={({ target }) => change({ [unit]: target.value })}
                    />
                  ))}
                </div>
                {problems[at] && <p className="text-xs text-bad">{problems[at]}</p>}
              </div>
            );
          }}
        </Rows>
      </Section>
    </EditedForm>
  );
}
