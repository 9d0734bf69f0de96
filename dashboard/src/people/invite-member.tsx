"use client";

import { useState } from "react";
import { InviteMemberDocument } from "@/gql/people-invitations";
import { useSubmit } from "@/data/use-submit";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useHeldDialog } from "@/ui/held-dialog";
import { ShownOnce } from "@/ui/shown-once";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { RoleChoice } from "./role-choice";

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  onInvited(): void;
  /** The inviter has seen what came of it. */
  onDone(): void;
}

export function InviteMember({ open, onOpenChange, onInvited, onDone }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Invite a person" description="They choose a password, or sign in with the account that they have.">
      <Form
        onCancel={() => onOpenChange(false)}
        onInvited={onInvited}
        onDone={() => {
          onOpenChange(false);
          onDone();
        }}
      />
    </Dialog>
  );
}

function Form({ onCancel, onInvited, onDone }: { onCancel(): void } & Pick<Props, "onInvited" | "onDone">) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  useHeldDialog(isBusy);
  const [link, setLink] = useState("");
  const invite = async (form: FormData) => {
    const email = String(form.get("email")).trim();
    const invited = await submit(InviteMemberDocument, { email, role: String(form.get("role")) });
    if (!invited) return;
    onInvited();
    if (invited.link) return setLink(invited.link);
    toast("ok", `The invitation was sent to ${invited.invitation.email}.`);
    onDone();
  };
  if (link) {
    return (
      <ShownOnce
        label="Link"
        value={link}
        warning="This installation sends no e-mail. Give the link to the person; it is shown only now, and is valid for seven days."
        onDone={onDone}
      />
    );
  }
  return (
    <SubmitForm refusal={refusal} className="mt-4" onSubmit={(form) => void invite(form)}>
      <Field label="E-mail address" name="email" type="email" autoComplete="off" required problem={refusal.fields.email} />
      <RoleChoice label="Role" name="role" initial="VIEWER" problem={refusal.fields.role} />
      <Actions label="Invite" isBusy={isBusy} onCancel={onCancel} />
    </SubmitForm>
  );
}
