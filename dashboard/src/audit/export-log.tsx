"use client";

import { CreateAuditExportDocument } from "@/gql/audit";
import { API } from "@/data/account";
import { count } from "@/data/format";
import { present, timeOf } from "@/data/page";
import { useSubmit } from "@/data/use-submit";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";

interface Props {
  open: boolean;
  query: URLSearchParams;
  onOpenChange(open: boolean): void;
}

export function ExportLog({ open, query, onOpenChange }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Export the audit log"
      description="A file with a line of JSON per entry. Its last line is a signature, with which ./studio admin audit verify checks the file."
    >
      <Form query={query} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function Form({ query, onDone }: { query: URLSearchParams; onDone(): void }) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const start = async (form: FormData) => {
    const day = (name: string) => String(form.get(name)) || undefined;
    const at = present({ since: timeOf(day("since")), until: timeOf(day("until"), 1) });
    const created = await submit(CreateAuditExportDocument, { at });
    if (!created) return;
    Object.assign(document.createElement("a"), { href: new URL(created.url, API).href, download: "" }).click();
    toast("ok", `The download of ${count(created.entries)} ${created.entries === 1 ? "entry" : "entries"} has started.`);
    onDone();
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void start(form)}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="From the day" name="since" type="date" defaultValue={query.get("since") ?? ""} />
        <Field label="To the day" name="until" type="date" defaultValue={query.get("until") ?? ""} />
      </div>
      <p className="text-sm text-muted">Without days, the export has all entries.</p>
      <Actions label="Export" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}
