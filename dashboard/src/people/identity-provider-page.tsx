"use client";

import { Link } from "@/ui/link";
import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import {
  CreateIdentityProviderDocument,
  DeleteIdentityProviderDocument,
  IdentityProvidersDocument,
  UpdateIdentityProviderDocument,
  type ProviderFormFragment,
} from "@/gql/people-identity-providers";
import { problemOf } from "@/data/problem";
import { useMounted } from "@/data/use-mounted";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useSubmit, type Refusal } from "@/data/use-submit";
import { useTitle } from "@/data/use-title";
import { useMay, useViewer } from "@/data/viewer";
import { Ask, type Question } from "@/ui/ask";
import { BackLink } from "@/ui/back-link";
import { Button, buttonClass } from "@/ui/button";
import { Check } from "@/ui/check";
import { Choice, Field, TextArea } from "@/ui/field";
import { PageHeader } from "@/ui/page-header";
import { Section } from "@/ui/section";
import { CopyButton } from "@/ui/shown-once";
import { Empty, Failed, Loading, Notice, NoticeButton, Skeleton } from "@/ui/states";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { providerHref } from "./identity-providers";
import { createInput, draftOf, NEW, updateInput, type Draft } from "./provider-draft";
import { roleName, useRoles } from "./roles";

const LIST = "/people/?tab=providers";

export function IdentityProviderPage() {
  const [query] = useQueryString();
  const id = query.get("id");
  const [{ data, error, fetching }, execute] = useRead({ query: IdentityProvidersDocument, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const provider = data?.identityProviders?.find((each) => each.id === id) ?? null;
  const title = provider ? provider.label : id ? "Identity provider" : "New identity provider";
  useTitle(title);
  return (
    <div className="max-w-3xl">
      <BackLink href={LIST}>Identity providers</BackLink>
      <PageHeader title={title}>{provider && <Delete provider={provider} />}</PageHeader>
      {error && !data?.identityProviders ? (
        <Failed problem={problemOf(error)} onRetry={again} />
      ) : !data?.identityProviders || (id && !provider && fetching) ? (
        <ProviderSkeleton />
      ) : id && !provider ? (
        <NoProvider />
      ) : (
        <ProviderForm key={provider ? `${provider.id} ${provider.revision}` : "new"} provider={provider} onChanged={again} />
      )}
    </div>
  );
}

const NoProvider = () => (
  <Empty icon="globe" title="There is no such identity provider">
    <p>It was deleted, or it belongs to another tenant.</p>
    <p className="mt-4">
      <Link href={LIST} className={buttonClass("primary")}>
        Show all identity providers
      </Link>
    </p>
  </Empty>
);

const ProviderSkeleton = () => (
  <Loading what="the identity provider">
    <div className="grid gap-5">
      <Skeleton className="h-72 w-full" />
      <Skeleton className="h-60 w-full" />
    </div>
  </Loading>
);

function Delete({ provider }: { provider: ProviderFormFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("IDENTITY_PROVIDERS_WRITE");
  const [question, setQuestion] = useState<Question | null>(null);
  if (!mayWrite) return null;
  const ask: Question = {
    title: `Delete ${provider.name}?`,
    description: "All sessions that it vouched for end. Its users remain members; those without a password cannot sign in any more.",
    confirm: "Delete the identity provider",
    run: async () => {
      const result = await studio.mutate(DeleteIdentityProviderDocument, { input: { id: provider.id } });
      if (!result.ok) return result;
      toast("ok", `The identity provider ${provider.name} was deleted.`);
      return result;
    },
    next: LIST,
  };
  return (
    <>
      <Button onClick={() => setQuestion(ask)}>Delete</Button>
      <Ask question={question} onClose={() => setQuestion(null)} />
    </>
  );
}

interface PartProps {
  draft: Draft;
  problems: Refusal["fields"];
  isReadOnly: boolean;
  set<Name extends keyof Draft>(name: Name, value: Draft[Name]): void;
}

function ProviderForm({ provider, onChanged }: { provider: ProviderFormFragment | null; onChanged(): void }) {
  const router = useRouter();
  const isShown = useMounted();
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const mayWrite = useMay("IDENTITY_PROVIDERS_WRITE");
  const [draft, setDraft] = useState<Draft>(() => (provider ? draftOf(provider) : NEW));
  const parts: PartProps = {
    draft,
    problems: refusal.fields,
    isReadOnly: !mayWrite,
    set: (name, value) => setDraft((before) => ({ ...before, [name]: value })),
  };
  const save = async () => {
    if (provider) {
      if (!(await submit(UpdateIdentityProviderDocument, updateInput(provider, draft)))) return;
      toast("ok", "The identity provider was saved.");
      return onChanged();
    }
    const created = await submit(CreateIdentityProviderDocument, createInput(draft));
    if (!created) return;
    toast("ok", "The identity provider was created. Enter its redirect URI at the provider.");
    onChanged();
    if (isShown.current) router.replace(providerHref(created.identityProvider.id));
  };
  return (
    <SubmitForm refusal={refusal} className="gap-5" onSubmit={() => void save()}>
      {!mayWrite && <Notice tone="info">Only owners change identity providers, because a provider can vouch for any member.</Notice>}
      {refusal.code === "REVISION_CONFLICT" && (
        <Notice tone="warn">
          Another person saved this identity provider meanwhile.{" "}
          <NoticeButton onClick={onChanged}>Show their version</NoticeButton>{" "}
          and discard yours.
        </Notice>
      )}
      {provider && <Addresses provider={provider} />}
      <Application provider={provider} {...parts} />
      <Admission {...parts} />
      <RolesOfGroups {...parts} />
      {mayWrite && (
        <div data-save-bar className="sticky bottom-0 -mx-1 border-t bg-bg px-1 py-3">
          <Actions label={provider ? "Save" : "Create"} isBusy={isBusy} />
        </div>
      )}
    </SubmitForm>
  );
}

function Addresses({ provider }: { provider: ProviderFormFragment }) {
  const tenant = useViewer()?.tenant.slug ?? "";
  return (
    <Section title="What the provider has to know">
      <Address label="Redirect URI" value={provider.redirectUri} hint="Each identity provider has its own." />
      <Address label="URL for back-channel logout" value={provider.logoutUri} hint="Sessions end here as soon as they end at the provider, if it offers this." />
      <p className="text-sm text-muted">
        To try it, open{" "}
        <a className="text-accent underline" href={`/studio/?tenant=${encodeURIComponent(tenant)}`}>
          the sign-in page of the tenant
        </a>{" "}
        in a private window.
      </p>
    </Section>
  );
}

const Address = ({ label, value, hint }: { label: string; value: string; hint: string }) => (
  <div className="flex items-start gap-2">
    <div className="min-w-0 grow">
      <Field label={label} value={value} hint={hint} readOnly className="font-mono" onFocus={(event) => event.currentTarget.select()} />
    </div>
    <div className="mt-[1.7rem]">
      <CopyButton text={value} what={`The ${label}`} />
    </div>
  </div>
);

function Application({ provider, draft, problems, isReadOnly, set }: PartProps & { provider: ProviderFormFragment | null }) {
  const text = (name: "name" | "label" | "issuer" | "clientId" | "clientSecret" | "oauthScopes") => ({
    value: draft[name],
    problem: problems[name],
    readOnly: isReadOnly,
    onChange: ({ target }: { target: { value: string } }) => set(name, target.value),
  });
  const secretHint = provider?.hasClientSecret ? "One is stored. Leave this empty to keep it." : "Leave this empty for a public client.";
  return (
    <Section
      title="The application at the provider"
      text={
        <>
          Create an application of the type <em>web</em> there.{" "}
          <a className="text-accent underline" href="/docs/single-sign-on#providers">
            How to do it with Keycloak, Google and Microsoft Entra ID
          </a>
        </>
      }
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Name" hint="Lower-case letters, digits and hyphens." autoCapitalize="none" spellCheck={false} required {...text("name")} />
        <Field label="Text of the button" placeholder="Sign in with Acme" required {...text("label")} />
      </div>
      <Field
        label="Issuer"
        type="url"
        placeholder="https://id.acme.example/realms/staff"
        hint={provider ? "It cannot be changed." : "Exactly as the provider states it. Its metadata is read when you create it."}
        required
        {...text("issuer")}
        readOnly={isReadOnly || provider !== null}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Client ID" autoComplete="off" required {...text("clientId")} />
        <Field label="Client secret" type="password" autoComplete="new-password" hint={secretHint} {...text("clientSecret")} />
      </div>
      <Field label="OAuth scopes" hint="Separated by spaces; openid must be among them." {...text("oauthScopes")} />
      <Check
        label="People can sign in with it"
        hint="Switching it off ends no sessions."
        checked={draft.isEnabled}
        disabled={isReadOnly}
        onChange={({ target }) => set("isEnabled", target.checked)}
      />
    </Section>
  );
}

function Admission({ draft, problems, isReadOnly, set }: PartProps) {
  return (
    <Section title="Who is admitted" text="Everyone else needs an invitation.">
      <Field
        label="Trusted domains"
        placeholder="acme.example"
        hint="Verified addresses of these domains identify members. List only domains whose addresses the provider assigns itself."
        value={draft.trustedDomains}
        problem={problems.trustedDomains}
        readOnly={isReadOnly}
        onChange={({ target }) => set("trustedDomains", target.value)}
      />
      <Check
        label="People with such an address become members at their first sign-in"
        checked={draft.createsUsers}
        disabled={isReadOnly}
        onChange={({ target }) => set("createsUsers", target.checked)}
      />
      <TextArea
        label="Required claims"
        rows={2}
        placeholder="hd=acme.example"
        hint="One a line, as name=value. Accounts without them are refused."
        value={draft.requiredClaims}
        problem={problems.requiredClaims}
        readOnly={isReadOnly}
        onChange={({ target }) => set("requiredClaims", target.value)}
      />
      <Field
        label="Longest session, in hours"
        type="number"
        min={1}
        max={720}
        value={draft.hours}
        problem={problems.sessionDuration}
        readOnly={isReadOnly}
        onChange={({ target }) => set("hours", target.value)}
      />
    </Section>
  );
}

function RolesOfGroups({ draft, problems, isReadOnly, set }: PartProps) {
  const { roles } = useRoles();
  const { roleRules } = draft;
  const change = (index: number, change: Partial<Draft["roleRules"][number]>) =>
    set("roleRules", roleRules.map((rule, at) => (at === index ? { ...rule, ...change } : rule)));
  const options = roles.map(({ name }) => (
    <option key={name} value={name}>
      {roleName(name)}
    </option>
  ));
  return (
    <Section title="Roles" text="With rules, groups at the provider set the role of a person at every sign-in, and the most powerful role wins.">
      <Field
        label="Claim with the groups"
        placeholder="groups"
        hint="Dots lead into nested objects. Empty: groups decide nothing."
        value={draft.groupsClaim}
        problem={problems.groupsClaim}
        readOnly={isReadOnly}
        onChange={({ target }) => set("groupsClaim", target.value)}
      />
      {problems.roleRules && <p className="text-xs text-bad">{problems.roleRules}</p>}
      {roleRules.map((rule, index) => (
        <div key={index} className="flex flex-wrap items-end gap-2">
          <div className="min-w-40 grow">
            <Field label={`Group ${index + 1}`} value={rule.group} readOnly={isReadOnly} required onChange={({ target }) => change(index, { group: target.value })} />
          </div>
          <div className="w-40">
            <Choice label="Role" value={rule.role} disabled={isReadOnly} onChange={({ target }) => change(index, { role: target.value })}>
              {options}
            </Choice>
          </div>
          {!isReadOnly && (
            <Button
              icon="close"
              aria-label={`Remove the rule of group ${index + 1}`}
              className="mb-0.5"
              onClick={() => set("roleRules", roleRules.filter((_, at) => at !== index))}
            />
          )}
        </div>
      ))}
      {!isReadOnly && (
        <p>
          <Button icon="plus" onClick={() => set("roleRules", [...roleRules, { group: "", role: "VIEWER" }])}>
            Add a rule
          </Button>
        </p>
      )}
      <Choice
        label="Everyone else"
        value={draft.defaultRole}
        problem={problems.defaultRole}
        disabled={isReadOnly}
        onChange={({ target }) => set("defaultRole", target.value)}
      >
        <option value="">is refused</option>
        {options}
      </Choice>
    </Section>
  );
}
