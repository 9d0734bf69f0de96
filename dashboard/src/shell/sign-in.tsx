"use client";

import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { announceAccount, isLocalInstallation, people, problemOfSignOut, signInLocally, startSingleSignOn } from "@/data/account";
import { messageOf } from "@/data/problem";
import { ForgottenPassword } from "@/profile/forgotten-password";
import { Button } from "@/ui/button";
import { Field } from "@/ui/field";
import { Notice } from "@/ui/states";
import { Logo } from "./frame";

export const SSO_ERRORS: Record<string, string> = {
  DENIED_BY_PROVIDER: "The identity provider did not sign you in.",
  SIGN_IN_FAILED: "Signing in failed. Try again.",
  NO_ROLE: "None of your groups has a role here. Ask an administrator for access.",
  TOO_MANY_GROUPS: "You are in more groups than the identity provider lists. Ask an administrator.",
  CLAIM_MISMATCH: "This account is not admitted here. Sign in with another one.",
  PROVIDER_DISABLED: "Signing in with this identity provider is switched off.",
  PROVIDER_UNAVAILABLE: "The identity provider is not available. Try again later.",
  RATE_LIMITED: "Too many attempts to sign in. Try again in a minute.",
};

type Step = "PASSWORD" | "FORGOTTEN" | "TENANT" | "RETURNING";

function firstStep(): Step {
  if (/[#&](handoff|sign_in_error)=/.test(location.hash)) return "RETURNING";
  return new URLSearchParams(location.search).has("tenant") ? "TENANT" : "PASSWORD";
}

/** The sign-in stands at the address of the page that was asked for, which follows when it succeeds. */
export function SignIn() {
  const [step, setStep] = useState(firstStep);
  const [problem, setProblem] = useState(problemOfSignOut);
  const [isLocal, setLocal] = useState(false);
  const hasReturned = useRef(false);

  useEffect(() => {
    document.title = "Sign in · Agent Studio";
    void isLocalInstallation().then(setLocal);
    if (step !== "RETURNING" || hasReturned.current) return;
    hasReturned.current = true; // a handoff works once, and React runs effects twice in development
    void people()
      .finishSingleSignOn()
      .then((result) => {
        if (result?.ok) return announceAccount();
        if (result) setProblem(SSO_ERRORS[result.error.code] ?? messageOf(result.error));
        setStep("PASSWORD");
      });
  }, [step]);

  const go = (to: Step) => {
    setProblem("");
    setStep(to);
  };
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <Logo />
        <h1 className="mt-8 text-2xl font-semibold tracking-tight">{step === "FORGOTTEN" ? "Forgotten password" : "Sign in"}</h1>
        {step === "RETURNING" ? (
          <p role="status" className="mt-3 text-sm text-muted">
            Completing the sign-in…
          </p>
        ) : (
          <>
            {isLocal && step !== "FORGOTTEN" && <LocalSignIn onProblem={setProblem} />}
            <div className="mt-6 grid gap-4">
              {problem && <Notice tone="bad">{problem}</Notice>}
              {step === "PASSWORD" && <PasswordForm onProblem={setProblem} />}
              {step === "FORGOTTEN" && <ForgottenPassword />}
              {step === "TENANT" && <SingleSignOn onProblem={setProblem} />}
              <div className="flex flex-wrap justify-center gap-x-2">
                <Button kind="ghost" onClick={() => go(step === "PASSWORD" ? "TENANT" : "PASSWORD")}>
                  {step === "PASSWORD" ? "Use single sign-on" : "Sign in with a password"}
                </Button>
                {step === "PASSWORD" && (
                  <Button kind="ghost" onClick={() => go("FORGOTTEN")}>
                    Forgot the password?
                  </Button>
                )}
              </div>
            </div>
          </>
        )}
      </div>
    </main>
  );
}

const Or = ({ children }: { children: ReactNode }) => (
  <p className="mt-6 flex items-center gap-3 text-xs text-muted before:h-px before:grow before:bg-line after:h-px after:grow after:bg-line">
    {children}
  </p>
);

function LocalSignIn({ onProblem }: { onProblem(text: string): void }) {
  const enter = async () => {
    if (!(await signInLocally())) onProblem("The key of this installation is no longer offered. Was it restarted? Load the page again.");
  };
  return (
    <>
      <p className="mt-3 text-sm text-muted">This browser runs on the machine of the installation, so you need no password.</p>
      <Button kind="primary" className="mt-4 h-10 w-full" onClick={() => void enter()}>
        Continue on this machine
      </Button>
      <Or>or sign in as a member</Or>
    </>
  );
}

function PasswordForm({ onProblem }: { onProblem(text: string): void }) {
  const [needsCode, setNeedsCode] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const code = useRef<HTMLInputElement>(null);
  useEffect(() => code.current?.focus(), [needsCode]);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    setBusy(true);
    onProblem("");
    const result = await people().signIn({
      email: text("email"),
      password: String(form.get("password") ?? ""),
      ...(text("code") ? { code: text("code") } : {}),
    });
    setBusy(false);
    if (result.ok) return announceAccount();
    if (result.error.code === "SECOND_FACTOR_REQUIRED" && !needsCode) setNeedsCode(true);
    else onProblem(messageOf(result.error));
  };

  return (
    <form className="grid gap-4" onSubmit={(event) => void submit(event)}>
      <Field label="E-mail address" name="email" type="email" autoComplete="username" required />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required maxLength={1024} />
      {needsCode && (
        <Field
          ref={code}
          label="Code"
          name="code"
          hint="Six digits of your authenticator app, or a recovery code."
          autoComplete="one-time-code"
          required
          maxLength={64}
        />
      )}
      <Button type="submit" kind="primary" busy={isBusy} className="h-10">
        {needsCode ? "Continue" : "Sign in"}
      </Button>
    </form>
  );
}

function SingleSignOn({ onProblem }: { onProblem(text: string): void }) {
  const [options, setOptions] = useState<readonly { label: string; startUrl: string }[] | null>(null);
  const [isBusy, setBusy] = useState(false);

  const search = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const tenant = String(new FormData(event.currentTarget).get("tenant") ?? "").trim();
    setBusy(true);
    onProblem("");
    const found = await people().signInOptions(tenant);
    setBusy(false);
    setOptions(found.ok ? found.value : null);
    if (!found.ok) onProblem(messageOf(found.error));
    else if (!found.value.length) onProblem("This tenant has no identity provider, or it does not exist.");
  };

  return (
    <>
      <form className="grid gap-4" onSubmit={(event) => void search(event)}>
        <Field
          label="Tenant"
          name="tenant"
          hint="The short name of your organisation here, such as acme."
          defaultValue={new URLSearchParams(location.search).get("tenant") ?? ""}
          autoComplete="organization"
          autoCapitalize="none"
          spellCheck={false}
          required
        />
        <Button type="submit" kind={options?.length ? "secondary" : "primary"} busy={isBusy} className="h-10">
          Show identity providers
        </Button>
      </form>
      {options?.map(({ label, startUrl }) => (
        <Button key={startUrl} kind="primary" className="h-10" onClick={() => void startSingleSignOn(startUrl).then(onProblem)}>
          {label}
        </Button>
      ))}
    </>
  );
}
