"use client";

import { useState } from "react";
import {
  ConfirmTotpDocument,
  EnrolTotpDocument,
  RemoveTotpDocument,
  ReplaceRecoveryCodesDocument,
  type EnrolTotpMutation,
} from "@/gql/profile";
import { saveFile } from "@/data/save-file";
import { useSubmit, type Refusal } from "@/data/use-submit";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useHeldDialog } from "@/ui/held-dialog";
import { Section } from "@/ui/section";
import { CopyButton } from "@/ui/shown-once";
import { Notice } from "@/ui/states";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { QrCode } from "./qr-code";

interface State {
  readonly isActive: boolean;
  readonly recoveryCodesLeft: number;
}

const FEW_CODES = 3;
const TITLES = { enrol: "Add an authenticator app", replace: "New recovery codes", remove: "Remove the second factor" } as const;

export function SecondFactor({ state, onChanged }: { state: State; onChanged(): void }) {
  const [step, setStep] = useState<keyof typeof TITLES | null>(null);
  const close = () => {
    setStep(null);
    onChanged();
  };
  return (
    <Section title="Second factor" text="Besides your password, the sign-in asks for a code of an authenticator app.">
      <p className="flex flex-wrap items-center gap-3 text-sm">
        <Badge tone={state.isActive ? "ok" : "neutral"}>{state.isActive ? "On" : "Off"}</Badge>
        {state.isActive && (
          <span className={state.recoveryCodesLeft <= FEW_CODES ? "text-warn" : "text-muted"}>{state.recoveryCodesLeft} of 10 recovery codes are left.</span>
        )}
      </p>
      <p className="flex flex-wrap justify-end gap-2">
        {state.isActive ? (
          <>
            <Button onClick={() => setStep("replace")}>New recovery codes…</Button>
            <Button onClick={() => setStep("remove")}>Remove…</Button>
          </>
        ) : (
          <Button kind="primary" onClick={() => setStep("enrol")}>
            Add an authenticator app…
          </Button>
        )}
      </p>
      <Dialog open={step !== null} onOpenChange={(isOpen) => !isOpen && close()} title={step ? TITLES[step] : ""}>
        {step === "enrol" && <Enrol onDone={close} />}
        {step === "replace" && <Replace onDone={close} />}
        {step === "remove" && <Remove onDone={close} />}
      </Dialog>
    </Section>
  );
}

type Enrolled = Extract<EnrolTotpMutation["enrolTotp"], { __typename: "EnrolTotpSuccess" }>;

const CurrentPassword = ({ refusal }: { refusal: Refusal }) => (
  <Field
    label="Your password"
    name="currentPassword"
    type="password"
    autoComplete="current-password"
    required
    maxLength={1024}
    problem={refusal.fields.currentPassword}
  />
);

const Code = ({ refusal, hint, autoFocus = false }: { refusal: Refusal; hint: string; autoFocus?: boolean }) => (
  <Field
    label="Code"
    name="code"
    hint={hint}
    autoComplete="one-time-code"
    autoFocus={autoFocus}
    required
    maxLength={64}
    problem={refusal.fields.code}
  />
);

const ANY_CODE = "Six digits of your authenticator app, or a recovery code.";

/** Password, then the secret, then a code that proves that the app has it, then the recovery codes. */
function Enrol({ onDone }: { onDone(): void }) {
  const { submit, isBusy, refusal } = useSubmit();
  const [enrolled, setEnrolled] = useState<Enrolled | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const begin = async (form: FormData) => setEnrolled(await submit(EnrolTotpDocument, { currentPassword: String(form.get("currentPassword")) }));
  useHeldDialog(isBusy);
  const confirm = async (form: FormData) => {
    const confirmed = await submit(ConfirmTotpDocument, { code: String(form.get("code")).trim() });
    if (confirmed) setCodes(confirmed.recoveryCodes);
  };
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  if (!enrolled) {
    return (
      <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void begin(form)}>
        <CurrentPassword refusal={refusal} />
        <Actions label="Continue" isBusy={isBusy} onCancel={onDone} />
      </SubmitForm>
    );
  }
  return (
    <div className="mt-4 grid gap-4">
      <p className="text-sm text-muted">
        Scan the code with the authenticator app, or type the secret into it.{" "}
        <a className="text-accent underline" href={enrolled.uri}>
          Open an app on this device
        </a>
      </p>
      <QrCode text={enrolled.uri} />
      <div className="flex items-end gap-2">
        <div className="min-w-0 grow">
          <Field label="Secret" value={enrolled.secret} readOnly className="font-mono" onFocus={(event) => event.currentTarget.select()} />
        </div>
        <CopyButton text={enrolled.secret} what="The secret" />
      </div>
      <SubmitForm refusal={refusal} onSubmit={(form) => void confirm(form)}>
        <Code refusal={refusal} hint="The six digits that the app shows now." autoFocus />
        <Actions label="Activate" isBusy={isBusy} onCancel={onDone} />
      </SubmitForm>
    </div>
  );
}

function Replace({ onDone }: { onDone(): void }) {
  const { submit, isBusy, refusal } = useSubmit();
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  useHeldDialog(isBusy);
  const replace = async (form: FormData) => {
    const replaced = await submit(ReplaceRecoveryCodesDocument, { code: String(form.get("code")).trim() });
    if (replaced) setCodes(replaced.recoveryCodes);
  };
  if (codes) return <RecoveryCodes codes={codes} onDone={onDone} />;
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void replace(form)}>
      <p className="text-sm text-muted">All earlier recovery codes become void.</p>
      <Code refusal={refusal} hint={ANY_CODE} />
      <Actions label="Create new codes" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}

function Remove({ onDone }: { onDone(): void }) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const remove = async (form: FormData) => {
    const input = { currentPassword: String(form.get("currentPassword")), code: String(form.get("code")).trim() };
    if (!(await submit(RemoveTotpDocument, input))) return;
    toast("ok", "The second factor was removed.");
    onDone();
  };
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void remove(form)}>
      <p className="text-sm text-muted">From then on, your password alone signs you in.</p>
      <CurrentPassword refusal={refusal} />
      <Code refusal={refusal} hint={ANY_CODE} />
      <Actions label="Remove the second factor" isBusy={isBusy} onCancel={onDone} />
    </SubmitForm>
  );
}

function RecoveryCodes({ codes, onDone }: { codes: readonly string[]; onDone(): void }) {
  useHeldDialog(true);
  const text = `${codes.join("\n")}\n`;
  return (
    <div className="mt-4 grid gap-4">
      <Notice tone="warn">This is the only time that the codes are shown. Each one replaces a code of the app, once. Keep them in a safe place.</Notice>
      <ul aria-label="Recovery codes" className="grid grid-cols-2 gap-x-6 gap-y-1 rounded-md bg-sunken p-4 font-mono text-sm">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="flex flex-wrap justify-end gap-2">
        <CopyButton text={text} what="The list of codes" />
        <Button icon="download" onClick={() => saveFile("recovery-codes.txt", text, "text/plain")}>
          Download
        </Button>
        <Button kind="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}
