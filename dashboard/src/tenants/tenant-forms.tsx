"use client";

import { useState } from "react";
import {
  CreateTenantDocument,
  DeleteTenantDocument,
  SuspendTenantDocument,
  UpdateTenantDocument,
  type TenantQuotasInput,
  type TenantRowFragment,
} from "@/gql/tenants";
import { useSubmit } from "@/data/use-submit";
import { Field } from "@/ui/field";
import { useHeldDialog } from "@/ui/held-dialog";
import { ShownOnce } from "@/ui/shown-once";
import { Actions, SubmitForm } from "@/ui/submit-form";

const QUOTAS: readonly { name: keyof TenantQuotasInput; label: string }[] = [
  { name: "requestsPerMinute", label: "Requests per minute" },
  { name: "sockets", label: "Open WebSockets" },
  { name: "subscriptions", label: "Open subscriptions" },
  { name: "agents", label: "Agents" },
  { name: "tools", label: "Tools" },
  { name: "workflows", label: "Workflows" },
  { name: "storageMegabytes", label: "Megabytes stored" },
];

const text = (form: FormData, name: string) => String(form.get(name) ?? "").trim();
const numberOf = (value: string) => (value === "" ? null : Number(value));

const Names = ({ tenant, fields }: { tenant?: TenantRowFragment; fields: Readonly<Record<string, string>> }) => (
  <>
    <Field label="Name" name="name" defaultValue={tenant?.name} required problem={fields.name} />
    <Field
      label="Short name"
      name="slug"
      defaultValue={tenant?.slug}
      hint="Lower-case letters, digits and hyphens. It is unique."
      autoCapitalize="none"
      spellCheck={false}
      required
      problem={fields.slug}
    />
  </>
);

/** Asks for the names, and shows the key of the owner once. */
export function CreateTenant({ onCancel, onCreated }: { onCancel(): void; onCreated(): void }) {
  const { submit, isBusy, refusal } = useSubmit();
  useHeldDialog(isBusy);
  const [value, setValue] = useState("");
  const create = async (form: FormData) => {
    const created = await submit(CreateTenantDocument, { name: text(form, "name"), slug: text(form, "slug") });
    if (!created) return;
    setValue(created.apiKeyValue);
    onCreated();
  };
  if (value) {
    return (
      <ShownOnce
        label="Key"
        value={value}
        warning="This is the only time that the key is shown. It may do everything in the new tenant."
        onDone={onCancel}
      />
    );
  }
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void create(form)}>
      <Names fields={refusal.fields} />
      <Actions label="Create" isBusy={isBusy} onCancel={onCancel} />
    </SubmitForm>
  );
}

interface Props {
  tenant: TenantRowFragment;
  onCancel(): void;
  onDone(text: string): void;
}

export function EditTenant({ tenant, onCancel, onDone }: Props) {
  const { submit, isBusy, refusal } = useSubmit();
  const save = async (form: FormData) => {
    const changed = QUOTAS.filter(({ name }) => numberOf(text(form, name)) !== tenant.quotas[name]);
    const saved = await submit(UpdateTenantDocument, {
      id: tenant.id,
      name: text(form, "name"),
      slug: text(form, "slug"),
      ...(changed.length > 0 && { quotas: Object.fromEntries(changed.map(({ name }) => [name, numberOf(text(form, name))])) }),
    });
    if (saved) onDone(`${saved.tenant.name} was saved.`);
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void save(form)}>
      <Names tenant={tenant} fields={refusal.fields} />
      <fieldset className="grid gap-3">
        <legend className="text-sm font-medium">Quotas</legend>
        <p className="mt-1 mb-2 text-xs text-muted">Empty: the limit of the installation. 0: no limit.</p>
        {refusal.fields.quotas && <p className="mb-2 text-xs text-bad">{refusal.fields.quotas}</p>}
        <div className="grid gap-3 sm:grid-cols-2">
          {QUOTAS.map(({ name, label }) => (
            <Field key={name} label={label} name={name} type="number" min={0} defaultValue={tenant.quotas[name] ?? ""} />
          ))}
        </div>
      </fieldset>
      <Actions label="Save" isBusy={isBusy} onCancel={onCancel} />
    </SubmitForm>
  );
}

export function SuspendTenant({ tenant, onCancel, onDone }: Props) {
  const { submit, isBusy, refusal } = useSubmit();
  const suspend = async (form: FormData) => {
    if (await submit(SuspendTenantDocument, { id: tenant.id, reason: text(form, "reason") })) onDone(`${tenant.name} is suspended.`);
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void suspend(form)}>
      <Field label="Reason" name="reason" hint="For other operators." required problem={refusal.fields.reason} />
      <Actions label="Suspend" isBusy={isBusy} onCancel={onCancel} />
    </SubmitForm>
  );
}

export function DeleteTenant({ tenant, onCancel, onDone }: Props) {
  const { submit, isBusy, refusal } = useSubmit();
  const remove = async (form: FormData) => {
    const days = numberOf(text(form, "days"));
    const input = { id: tenant.id, confirmSlug: text(form, "slug"), ...(days !== null && { graceDays: days }) };
    if (await submit(DeleteTenantDocument, input)) onDone(`${tenant.name} will be deleted.`);
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void remove(form)}>
      <Field
        label={`Type ${tenant.slug} to confirm`}
        name="slug"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        problem={refusal.fields.confirmSlug}
      />
      <Field
        label="Days until the data is deleted"
        name="days"
        type="number"
        min={1}
        hint="Empty: the days that the installation sets."
        problem={refusal.fields.graceDays}
      />
      <Actions label="Delete the tenant" isBusy={isBusy} onCancel={onCancel} />
    </SubmitForm>
  );
}
