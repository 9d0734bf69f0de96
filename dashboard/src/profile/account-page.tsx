"use client";

import { StudioProvider } from "agent-studio-client/react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { ResetPasswordDocument } from "@/gql/profile-links";
import { account, visitor } from "@/data/account";
import { useSubmit } from "@/data/use-submit";
import { Button } from "@/ui/button";
import { SubmitForm } from "@/ui/submit-form";
import { AcceptInvitation } from "./accept-invitation";
import { AccountFrame, ToSignIn } from "./account-frame";
import { NewPassword } from "./new-password";

type Purpose = "reset" | "invitation" | "handoff";

interface Opened {
  readonly purpose: Purpose;
  readonly token: string;
}

/** What the fragment of the address says. The token must not stay in the history of the browser. */
function readLink(): Opened | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  // The kit reads what an identity provider returns by itself.
  if (fragment.has("handoff") || fragment.has("sign_in_error")) return { purpose: "handoff", token: "" };
  for (const purpose of ["reset", "invitation"] as const) {
    const token = fragment.get(purpose);
    if (!token) continue;
    history.replaceState(history.state, "", location.pathname);
    return { purpose, token };
  }
  return null;
}

/** Where the links of invitations and new passwords lead. */
export function AccountPage() {
  const [link, setLink] = useState<Opened | null | undefined>();
  useEffect(() => {
    const read = () => setLink((before) => readLink() ?? before ?? null);
    read();
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const user = useSyncExternalStore(account.subscribe, account.get, () => undefined);
  if (link === undefined) return null;
  return (
    <StudioProvider studio={user?.kind === "PERSON" ? user.studio : visitor()}>
      {link === null && <NoLink />}
      {link?.purpose === "reset" && <ResetPassword token={link.token} />}
      {(link?.purpose === "invitation" || link?.purpose === "handoff") && <AcceptInvitation token={link.token} />}
    </StudioProvider>
  );
}

const NoLink = () => (
  <AccountFrame title="This link is not complete" text="Open it again as you received it, from the first to the last character.">
    <ToSignIn />
  </AccountFrame>
);

function ResetPassword({ token }: { token: string }) {
  const { submit, isBusy, refusal } = useSubmit();
  const [isDone, setDone] = useState(false);
  const save = async (form: FormData) => {
    setDone((await submit(ResetPasswordDocument, { token, newPassword: String(form.get("newPassword")) })) !== null);
  };
  if (isDone) {
    return (
      <AccountFrame title="The new password is set" text="All your sessions have ended. Sign in with the new password.">
        <ToSignIn />
      </AccountFrame>
    );
  }
  return (
    <AccountFrame title="Set a new password" text="All your sessions end when it is set.">
      <SubmitForm refusal={refusal} onSubmit={(form) => void save(form)}>
        <NewPassword problem={refusal.fields.newPassword} />
        <Button type="submit" kind="primary" busy={isBusy} className="h-10">
          Set the password
        </Button>
      </SubmitForm>
    </AccountFrame>
  );
}
