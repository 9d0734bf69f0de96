"use client";

import { useStudio } from "agent-studio-client/react";
import type { FormEvent } from "react";
import { CredentialsDocument, SetCredentialDocument, type CredentialRowFragment } from "@/gql/providers";
import { changesOf, orNone } from "@/data/form-values";
import { InvalidField, useForm } from "@/data/use-form";
import { useMounted } from "@/data/use-mounted";
import { useReadNow } from "@/data/use-read";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Exists } from "@/ui/exists";
import { Choice, Field } from "@/ui/field";
import { HeaderRows, headersOf, type HeaderRow } from "@/ui/header-rows";
import { More } from "@/ui/more";
import { Notice } from "@/ui/states";
import { TestResult, useKeyTest } from "./key-test";
import type { Provider } from "./models";

/** A key that is to be set: an existing credential, or a new one. */
export type Target = CredentialRowFragment | "new";

interface Props {
  entry: Provider;
  target: Target | null;
  /** The stored keys of the provider. */
  keys: readonly CredentialRowFragment[];
  /** Continues as the form of a key that exists. */
  onReplace(key: CredentialRowFragment): void;
  onClose(): void;
  onSaved(): void;
}

export function SetKey({ target, ...more }: Props) {
  const { entry, onClose } = more;
  const title = target === "new" ? `New key for ${entry.displayName}` : `Replace the key ${target?.label ?? ""} for ${entry.displayName}`;
  return (
    <Dialog
      open={target !== null}
      onOpenChange={(isOpen) => !isOpen && onClose()}
      isWide
      title={title}
      description="The key is stored encrypted and never shown again. Test it before you store it."
    >
      {target && <KeyForm target={target} {...more} />}
    </Dialog>
  );
}

interface Draft {
  readonly key: string;
  readonly label: string;
  readonly region: string;
  readonly baseUrl: string;
  readonly headers: readonly HeaderRow[];
}

const draftOf = (stored: CredentialRowFragment | null): Draft => ({
  key: "",
  label: stored?.label ?? "",
  region: stored?.region ?? "",
  baseUrl: stored?.baseUrl ?? "",
  headers: stored?.headerNames.map((name) => ({ name, value: "" })) ?? [],
});

/** The values of stored headers are not known here, and an empty one would replace them. */
function withValue(row: HeaderRow): HeaderRow {
  if (row.name.trim() && !row.value) throw new InvalidField("headers", `Enter the value of ${row.name.trim()} again, or remove the header.`);
  return row;
}

const SERVER = ["region", "baseUrl", "headers"];

function KeyForm({ entry, target, keys, onReplace, onClose, onSaved }: Props & { target: Target }) {
  const studio = useStudio();
  const isShown = useMounted();
  const readNow = useReadNow();
  const replaced = target === "new" ? null : target;
  const form = useForm(draftOf(replaced));
  const { draft, set, text, problemAt } = form;
  const test = useKeyTest(JSON.stringify(draft));
  const fields = new Map(entry.credentials.map((field) => [field.name, field]));
  const labelled = (all: Props["keys"]) => all.find(({ provider, label }) => provider === entry.name && label === orNone(draft.label));
  const existing = replaced ? undefined : labelled(keys);
  const replace = (key: CredentialRowFragment) => {
    const stored = draftOf(key);
    const isTyped = (name: string) => draft.headers.some((row) => row.name.trim().toLowerCase() === name.toLowerCase());
    const headers = [...draft.headers, ...stored.headers.filter(({ name }) => !isTyped(name))];
    form.setDraft({ ...stored, ...changesOf(draft, draftOf(null)), label: stored.label, headers });
    form.forgetProblems();
    onReplace(key);
  };
  const input = () => ({
    provider: entry.name,
    key: draft.key.trim(),
    label: orNone(draft.label),
    baseUrl: orNone(draft.baseUrl),
    region: orNone(draft.region),
    headers: draft.headers.length ? headersOf("headers", draft.headers.map(withValue)) : null,
  });
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await form.submit(async () => {
      if (!replaced) {
        const now = await readNow(CredentialsDocument);
        if (!now.ok) return now;
        if (labelled(now.value.credentials ?? []))
          throw new InvalidField("label", "There is such a key already. Choose another label, or replace that key.");
      }
      return studio.mutate(SetCredentialDocument, { input: input() });
    });
    if (!saved) return;
    onSaved();
    if (isShown.current) onClose();
  };
  const [region, baseUrl, headers] = [fields.get("region"), fields.get("baseUrl"), fields.get("headers")];
  return (
    <form ref={form.element} className="mt-4 grid gap-4" noValidate onSubmit={(event) => void save(event)}>
      {form.problem && <Notice tone="bad">{form.problem}</Notice>}
      <Field
        label={fields.get("apiKey")?.label ?? "API key"}
        type="password"
        autoComplete="off"
        hint={fields.get("apiKey")?.help}
        {...text("key")}
      />
      <Field
        label="Label"
        readOnly={replaced !== null}
        className="read-only:bg-sunken"
        autoCapitalize="none"
        spellCheck={false}
        hint="Agents choose a key by its label. Empty: they use it unless they choose another one."
        {...text("label")}
      />
      {existing && (
        <Exists
          what={existing.label ? `A key with the label ${existing.label}` : "A key without a label"}
          replace={existing.label ? `Replace the key ${existing.label}` : "Replace the key without a label"}
          onReplace={() => replace(existing)}
        >
          {existing.label ? "Agents that choose it" : "Agents that choose no label"} would use the new key from the next call on.
        </Exists>
      )}
      <More title="A server of your own" isNeeded={Boolean(draft.region || draft.baseUrl || draft.headers.length || SERVER.some((name) => problemAt(name)))}>
          {region && (
            <Choice label={region.label} hint={region.help} {...text("region")}>
              <option value="">That of the installation</option>
              {region.choices.map((choice) => (
                <option key={choice} value={choice}>
                  {choice}
                </option>
              ))}
            </Choice>
          )}
          {baseUrl && <Field label={baseUrl.label} type="url" placeholder="https://llm.example.com/v1" hint={baseUrl.help} spellCheck={false} {...text("baseUrl")} />}
          {headers && (
            <div className="grid gap-2">
              <p className="text-sm font-medium">{headers.label}</p>
              <p className="text-xs text-muted">{headers.help}</p>
              <HeaderRows isSecret rows={draft.headers} problem={problemAt("headers")} onChange={(rows) => set("headers", rows)} />
            </div>
          )}
      </More>
      <TestResult tested={test.tested} />
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button icon="refresh" busy={test.isBusy} disabled={!draft.key.trim()} onClick={() => void form.submit(async () => test.ask(input()))}>
          Test
        </Button>
        <Button type="submit" kind="primary" busy={form.isBusy}>
          Store
        </Button>
      </div>
    </form>
  );
}
