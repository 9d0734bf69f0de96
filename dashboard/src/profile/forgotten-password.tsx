"use client";

import { StudioProvider } from "agent-studio-client/react";
import { useState } from "react";
import { RequestPasswordResetDocument } from "@/gql/profile-links";
import { visitor } from "@/data/account";
import { useSubmit } from "@/data/use-submit";
import { Button } from "@/ui/button";
import { Field } from "@/ui/field";
import { Notice } from "@/ui/states";
import { SubmitForm } from "@/ui/submit-form";

export const ForgottenPassword = () => (
  <StudioProvider studio={visitor()}>
    <Form />
  </StudioProvider>
);

function Form() {
  const { submit, isBusy, refusal } = useSubmit();
  const [isSent, setSent] = useState(false);
  const request = async (form: FormData) => {
    setSent((await submit(RequestPasswordResetDocument, { email: String(form.get("email")).trim() })) !== null);
  };
  if (isSent) {
    return (
      <Notice tone="info">
        If an account has this address, a message with a link is on its way to it. The link is valid for 30 minutes. Look also into the folder
        for spam.
      </Notice>
    );
  }
  return (
    <SubmitForm refusal={refusal} onSubmit={(form) => void request(form)}>
      <Field
        label="E-mail address"
        name="email"
        type="email"
        autoComplete="username"
        hint="You receive a link with which you set a new password."
        required
        problem={refusal.fields.email}
      />
      <Button type="submit" kind="primary" busy={isBusy} className="h-10">
        Send the link
      </Button>
    </SubmitForm>
  );
}
