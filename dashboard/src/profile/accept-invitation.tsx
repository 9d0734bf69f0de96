"use client";

import { useStudio } from "agent-studio-client/react";
import type { SignInOption } from "agent-studio-client";
import { useRouter } from "next/navigation";
import { useEffect, useRef, useState } from "react";
import { AcceptInvitationDocument, ReceivedInvitationDocument, type ReceivedInvitationQuery } from "@/gql/profile-links";
import { ViewerDocument } from "@/gql/viewer";
import { changeAccount, enterWith, people, startSingleSignOn } from "@/data/account";
import { messageOf } from "@/data/problem";
import { ACCEPTED, useSubmit } from "@/data/use-submit";
import { roleName } from "@/people/roles";
import { SSO_ERRORS } from "@/shell/sign-in";
import { Button } from "@/ui/button";
import { Field } from "@/ui/field";
import { Loading, Notice, Skeleton } from "@/ui/states";
import { SubmitForm } from "@/ui/submit-form";
import { AccountFrame, ToSignIn } from "./account-frame";
import { NewPassword } from "./new-password";

type Received = NonNullable<ReceivedInvitationQuery["receivedInvitation"]>;

interface Found {
  readonly invitation: Received | null;
  readonly options: readonly SignInOption[];
  readonly problem: string;
}

const NOT_FOUND: Found = { invitation: null, options: [], problem: "" };

/** The invitation of a token, or the end of a sign-in with an identity provider that accepts it. */
export function AcceptInvitation({ token }: { token: string }) {
  const studio = useStudio();
  const router = useRouter();
  const email = useSignedIn();
  const [found, setFound] = useState<Found | null>(null);
  const [ssoProblem, setSsoProblem] = useState("");
  const hasStarted = useRef(false);
  useEffect(() => {
    if (hasStarted.current) return; // a handoff works once, and React runs effects twice in development
    hasStarted.current = true;
    const read = async (): Promise<Found> => {
      const received = await studio.query(ReceivedInvitationDocument, { token });
      if (!received.ok) return { ...NOT_FOUND, problem: messageOf(received.error) };
      const invitation = received.value.receivedInvitation;
      if (!invitation) return NOT_FOUND;
      const options = await people().signInOptions(invitation.tenant.slug);
      if (!options.ok) setSsoProblem(`The identity providers of the tenant could not be read. ${messageOf(options.error)}`);
      return { invitation, options: options.ok ? options.value : [], problem: "" };
    };
    const finish = async (): Promise<Found | null> => {
      const result = await people().finishSingleSignOn();
      if (result && !result.ok) return { ...NOT_FOUND, problem: SSO_ERRORS[result.error.code] ?? messageOf(result.error) };
      changeAccount();
      router.replace("/");
      return null;
    };
    void (token ? read() : finish()).then(setFound);
  }, [studio, router, token]);

  if (!found || email === undefined) return <Waiting />;
  const { invitation, problem } = found;
  if (problem) {
    return (
      <AccountFrame title="Join a tenant">
        <Notice tone="bad">{problem}</Notice>
        <ToSignIn />
      </AccountFrame>
    );
  }
  if (!invitation) {
    return (
      <AccountFrame title="This invitation is not valid" text="It was used or withdrawn, or it has expired. Ask for another one.">
        <ToSignIn />
      </AccountFrame>
    );
  }
  const { tenant, role } = invitation;
  return (
    <AccountFrame title={`Join ${tenant.name}`} text={`You are invited as ${invitation.email}, with the role ${roleName(role)}.`}>
      <Form token={token} invitation={invitation} isSignedIn={email === invitation.email} />
      {found.options.length > 0 && <p className="text-center text-xs text-muted">or</p>}
      {found.options.map(({ label, startUrl }) => (
        <Button
          key={startUrl}
          className="h-10"
          onClick={() => void startSingleSignOn(startUrl, token).then(setSsoProblem)}
        >
          {label}
        </Button>
      ))}
      {ssoProblem && <Notice tone="bad">{ssoProblem}</Notice>}
    </AccountFrame>
  );
}

/** The address of the person who is signed in, also after a sign-in in another tab; undefined until it is known. */
function useSignedIn(): string | null | undefined {
  const studio = useStudio();
  const [email, setEmail] = useState<string | null>();
  useEffect(() => {
    let isCurrent = true;
    const read = async () => {
      const viewer = studio.session && (await studio.query(ViewerDocument));
      if (isCurrent) setEmail(viewer?.ok ? (viewer.value.viewer?.person?.email ?? null) : null);
    };
    void read();
    return () => {
      isCurrent = false;
    };
  }, [studio]);
  return email;
}

const Waiting = () => (
  <AccountFrame title="Join a tenant">
    <Loading what="the invitation">
      <Skeleton className="h-40 w-full" />
    </Loading>
  </AccountFrame>
);

function Form({ token, invitation, isSignedIn }: { token: string; invitation: Received; isSignedIn: boolean }) {
  const router = useRouter();
  const { submit, isBusy, refusal } = useSubmit();
  const [needsCode, setNeedsCode] = useState(false);
  const { hasAccount, tenant } = invitation;
  const isCodeMissing = refusal.code === "SECOND_FACTOR_REQUIRED";
  useEffect(() => {
    if (isCodeMissing) setNeedsCode(true);
  }, [isCodeMissing]);
  const accept = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim() || null;
    const password = isSignedIn ? null : String(form.get("password"));
    const tokens = await submit(AcceptInvitationDocument, { token, password, name: text("name"), code: text("code") });
    if (!tokens) return;
    const { accessToken, refreshToken, expiresAt } = tokens;
    enterWith({ accessToken, refreshToken, expiresAt });
    router.replace("/");
  };
  return (
    <SubmitForm refusal={isCodeMissing ? ACCEPTED : refusal} onSubmit={(form) => void accept(form)}>
      {!hasAccount && <Field label="Your name" name="name" autoComplete="name" hint="Optional. The members see it." maxLength={100} problem={refusal.fields.name} />}
      {!hasAccount && <NewPassword label="Password" name="password" problem={refusal.fields.password} />}
      {hasAccount && !isSignedIn && (
        <Field
          label="Your password"
          name="password"
          type="password"
          autoComplete="current-password"
          hint="You have an account here already."
          required
          maxLength={1024}
          problem={refusal.fields.password}
        />
      )}
      {needsCode && (
        <Field label="Code" name="code" hint="Six digits of your authenticator app, or a recovery code." autoComplete="one-time-code" required maxLength={64} />
      )}
      <Button type="submit" kind="primary" busy={isBusy} className="h-10">
        Join {tenant.name}
      </Button>
    </SubmitForm>
  );
}
