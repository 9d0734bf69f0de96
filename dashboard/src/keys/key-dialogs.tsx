"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { useQuery } from "urql";
import { CreateKeyDocument, KeyRolesDocument, RevokeKeyDocument, RotateKeyDocument, type KeyRowFragment } from "@/gql/keys";
import { useSubmit } from "@/data/use-submit";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Dialog } from "@/ui/dialog";
import { Choice, Field } from "@/ui/field";
import { useHeldDialog } from "@/ui/held-dialog";
import { NotRead } from "@/ui/not-read";
import { ShownOnce } from "@/ui/shown-once";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";

interface CreateProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  onChanged(): void;
}

/** Asks for name, role and expiry, and shows the value once. */
export function CreateKey({ open, onOpenChange, onChanged }: CreateProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="New API key" description="A program may do with the key what its role includes.">
      <CreateForm onDone={() => onOpenChange(false)} onChanged={onChanged} />
    </Dialog>
  );
}

/** The key of a server that lets the visitors of its pages call: it has this scope alone. */
const JOIN = "CALLS_JOIN";
const WARNING = "This is the only time that the key is shown. Store it before you continue.";
const DAY_MS = 86_400_000;
const LIFETIMES = [
  { days: 0, label: "Never" },
  { days: 30, label: "In 30 days" },
  { days: 90, label: "In 90 days" },
  { days: 365, label: "In a year" },
] as const;

function CreateForm({ onDone, onChanged }: { onDone(): void; onChanged(): void }) {
  const [{ data, error }, readRoles] = useQuery({ query: KeyRolesDocument });
  const { submit, isBusy, refusal } = useSubmit();
  const [value, setValue] = useState("");
  useHeldDialog(isBusy);
  const create = async (form: FormData) => {
    const grant = String(form.get("grant"));
    const days = Number(form.get("days"));
    const created = await submit(CreateKeyDocument, {
      name: String(form.get("name")).trim(),
      ...(grant === JOIN ? { scopes: [JOIN] } : { role: grant }),
      ...(days > 0 && { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
    });
    if (!created) return;
    setValue(created.value);
    onChanged();
  };
  if (value) return <ShownOnce label="Key" value={value} warning={WARNING} onDone={onDone} />;
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void create(form)}>
      <Field
        label="Name"
        name="name"
        hint="Where the key is used, such as “CI of the website”."
        required
        maxLength={100}
        problem={refusal.fields.name}
      />
      <Choice
        key={data ? "loaded" : "loading"}
        label="May"
        name="grant"
        defaultValue="VIEWER"
        problem={refusal.fields.role ?? refusal.fields.scopes}
      >
        {(data?.roles ?? [{ name: "VIEWER", description: null }]).map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
        <option value={JOIN}>Let visitors of a web page call, and nothing else</option>
      </Choice>
      <NotRead what="The roles" error={error} onRetry={() => readRoles({ requestPolicy: "network-only" })} />
      <Choice label="Expires" name="days" defaultValue="0" problem={refusal.fields.expiresAt}>
        {LIFETIMES.map(({ days, label }) => (
          <option key={days} value={days}>
            {label}
          </option>
        ))}
      </Choice>
      <Actions label="Create" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}

interface TargetProps {
  target: KeyRowFragment | null;
  onClose(): void;
  onChanged(): void;
}

export function RotateKey({ target, onClose, onChanged }: TargetProps) {
  return (
    <Dialog
      open={target !== null}
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={`Rotate ${target?.name ?? "the key"}`}
      description="A new key takes over. The present one continues to work for a day, so that programs can change without a gap."
    >
      {target && <RotateForm target={target} onDone={onClose} onChanged={onChanged} />}
    </Dialog>
  );
}

function RotateForm({ target, onDone, onChanged }: { target: KeyRowFragment; onDone(): void; onChanged(): void }) {
  const { submit, isBusy, refusal } = useSubmit();
  const [value, setValue] = useState("");
  useHeldDialog(isBusy);
  const rotate = async () => {
    const rotated = await submit(RotateKeyDocument, { id: target.id });
    if (!rotated) return;
    setValue(rotated.value);
    onChanged();
  };
  if (value) return <ShownOnce label="Key" value={value} warning={WARNING} onDone={onDone} />;
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={() => void rotate()}>
      <Actions label="Rotate" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}

export function RevokeKey({ target, onClose, onChanged }: TargetProps) {
  const studio = useStudio();
  const toast = useToast();
  return (
    <ConfirmDelete
      open={target !== null}
      onClose={onClose}
      title={`Revoke ${target?.name ?? "the key"}?`}
      description="Programs that use it are refused within a second, and their connections are closed. This cannot be undone."
      confirm="Revoke the key"
      remove={() => studio.mutate(RevokeKeyDocument, { input: { id: target?.id ?? "" } })}
      onRemoved={() => {
        toast("ok", `The key ${target?.name ?? ""} was revoked.`);
        onChanged();
      }}
    />
  );
}
