"use client";

import { useState } from "react";
import { useQuery } from "urql";
import { AuditHeadDocument, AuditRetentionDocument, SetAuditRetentionDocument } from "@/gql/audit";
import { count, exactMoment } from "@/data/format";
import { problemOf } from "@/data/problem";
import { saveFile } from "@/data/save-file";
import { useSubmit } from "@/data/use-submit";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Facts } from "@/ui/facts";
import { Field } from "@/ui/field";
import { CopyButton } from "@/ui/shown-once";
import { Failed, Skeleton } from "@/ui/states";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";

const LINK = "min-h-6 text-accent underline";

/** For how long entries are kept, and what proves that none was changed. */
export function AboutLog() {
  const mayWrite = useMay("AUDIT_WRITE");
  const [step, setStep] = useState<"retention" | "head" | null>(null);
  const [{ data }, execute] = useQuery({ query: AuditRetentionDocument, requestPolicy: "cache-and-network" });
  const days = data?.auditRetention?.days;
  return (
    <>
      <p className="mb-4 flex min-h-6 flex-wrap gap-x-4 gap-y-1 text-sm text-muted">
        <span>
          {days === undefined ? "" : days === 0 ? "Entries are kept forever. " : `Entries are kept for ${count(days)} days. `}
          {mayWrite ? (
            <button type="button" className={LINK} onClick={() => setStep("retention")}>
              Change
            </button>
          ) : (
            "Only owners change this."
          )}
        </span>
        <span>
          The entries form a chain of hashes.{" "}
          <button type="button" className={LINK} onClick={() => setStep("head")}>
            Signed head
          </button>
        </span>
      </p>
      <Dialog
        open={step === "retention"}
        onOpenChange={() => setStep(null)}
        title="Retention"
        description="Entries that are older are deleted, the oldest first. The log says when that happened. Deletion cannot be undone."
      >
        <Retention
          days={days ?? 0}
          onDone={() => setStep(null)}
          onChanged={() => {
            setStep(null);
            execute({ requestPolicy: "network-only" });
          }}
        />
      </Dialog>
      <Dialog
        open={step === "head"}
        onOpenChange={() => setStep(null)}
        isWide
        title="Signed head of the log"
        description="Store it elsewhere: it proves later that no entry up to it was changed."
      >
        <Head />
      </Dialog>
    </>
  );
}

function Retention({ days, onDone, onChanged }: { days: number; onDone(): void; onChanged(): void }) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const save = async (form: FormData) => {
    if (!(await submit(SetAuditRetentionDocument, { days: Number(form.get("days")) }))) return;
    toast("ok", "The retention was saved.");
    onChanged();
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void save(form)}>
      <Field label="Days" name="days" type="number" min={0} max={3650} defaultValue={days} hint="30 to 3,650; 0 keeps entries forever." required problem={refusal.fields.days} />
      <Actions label="Save" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}

function Head() {
  const [{ data, error }, execute] = useQuery({ query: AuditHeadDocument, requestPolicy: "network-only" });
  const head = data?.auditHead;
  if (error && !head) return <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />;
  if (!head) return <Skeleton className="mt-4 h-48 w-full" />;
  const { seq, hash, signedAt, keyId, signature, line } = head;
  return (
    <div className="mt-4 grid gap-4">
      <Facts
        facts={[
          ["Entries", count(seq)],
          ["Signed", exactMoment(signedAt)],
          ["Key", keyId],
          ["Hash", <code key="hash" className="font-mono text-[13px] break-all">{hash}</code>],
          ["Signature", <code key="signature" className="font-mono text-[13px] break-all">{signature}</code>],
        ]}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <CopyButton text={line} what="The head" />
        <Button icon="download" onClick={() => saveFile(`audit-head-${seq}.json`, `${line}\n`, "application/json")}>
          Download
        </Button>
      </div>
    </div>
  );
}
