"use client";

import { useState } from "react";
import type { MediaEncryption } from "@/gql/outbound-trunks";
import type { Outcome } from "@/data/refusal";
import type { TextProps } from "@/data/use-form";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Choice, Field } from "@/ui/field";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { LISTS } from "./paths";

export const ENCRYPTIONS: Record<MediaEncryption, string> = {
  DISABLED: "Not encrypted",
  ALLOWED: "Encrypted if the carrier offers it",
  REQUIRED: "Encrypted, or the call fails",
};

interface Props {
  form: { text(name: "username" | "password"): TextProps };
  hasPassword: boolean;
  hint: string;
}

/** The password is written and never read back. */
export function CredentialFields({ form: { text }, hasPassword, hint }: Props) {
  return (
    <Section title="Credentials" text={hint}>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="User name" autoComplete="off" autoCapitalize="none" spellCheck={false} hint="Empty: no authentication, and no password." {...text("username")} />
        <Field
          label="Password"
          type="password"
          autoComplete="new-password"
          placeholder={hasPassword ? "A password is stored" : ""}
          hint={hasPassword ? "Never shown again. Empty: the stored one stays." : "Stored encrypted, and never shown again."}
          {...text("password")}
        />
      </div>
    </Section>
  );
}

export function EncryptionChoice({ form: { text } }: { form: { text(name: "mediaEncryption"): TextProps } }) {
  return (
    <Choice label="Encryption of the audio (SRTP)" {...text("mediaEncryption")}>
      {Object.entries(ENCRYPTIONS).map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </Choice>
  );
}

interface DeleteProps {
  kind: "inbound" | "outbound";
  name: string;
  description: string;
  remove(): Promise<Outcome<unknown>>;
}

export function DeleteTrunk({ kind, name, description, remove }: DeleteProps) {
  const toast = useToast();
  const mayWrite = useMay("TELEPHONY_WRITE");
  const [isAsking, setAsking] = useState(false);
  if (!mayWrite) return null;
  return (
    <>
      <Button onClick={() => setAsking(true)}>Delete</Button>
      <ConfirmDelete
        open={isAsking}
        onClose={() => setAsking(false)}
        title={`Delete the trunk ${name}?`}
        description={description}
        confirm="Delete the trunk"
        remove={remove}
        onRemoved={() => toast("ok", `The trunk ${name} was deleted.`)}
        next={LISTS[kind].href}
      />
    </>
  );
}
