"use client";

import { useState } from "react";
import { ChangePasswordDocument, ProfileDocument, UpdateProfileDocument, type ProfileQuery } from "@/gql/profile";
import { problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { useSubmit } from "@/data/use-submit";
import { useTitle } from "@/data/use-title";
import { Field } from "@/ui/field";
import { PageHeader } from "@/ui/page-header";
import { Section } from "@/ui/section";
import { Empty, Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { NewPassword } from "./new-password";
import { OwnSessions } from "./own-sessions";
import { SecondFactor } from "./second-factor";
import { Tenants } from "./tenants";

export type Profile = NonNullable<ProfileQuery["viewer"]>;

export function ProfilePage() {
  useTitle("Profile");
  const [{ data, error }, execute] = useRead({ query: ProfileDocument, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const viewer = data?.viewer;
  return (
    <div className="max-w-3xl">
      <PageHeader title="Profile" />
      {!viewer && (error ? <Failed problem={problemOf(error)} onRetry={again} /> : <ProfileSkeleton />)}
      {viewer && !viewer.person && (
        <Empty icon="key" title="You use an API key">
          A key has no profile. Sign in as a member to change a name, a password or a second factor.
        </Empty>
      )}
      {viewer?.person && <Parts viewer={viewer} onChanged={again} />}
    </div>
  );
}

const ProfileSkeleton = () => (
  <Loading what="your profile">
    <div className="grid gap-5">
      <Skeleton className="h-52 w-full" />
      <Skeleton className="h-64 w-full" />
      <Skeleton className="h-40 w-full" />
    </div>
  </Loading>
);

function Parts({ viewer, onChanged }: { viewer: Profile; onChanged(): void }) {
  // The API shows no second factor to a session that an identity provider began, and lets it change nothing of the person.
  const isOwn = viewer.secondFactor !== null;
  return (
    <div className="grid gap-5">
      {!isOwn && (
        <Notice tone="info">
          An identity provider signed you in. Such a session changes neither your name nor your password; your second factor is at the
          provider.
        </Notice>
      )}
      <You viewer={viewer} isReadOnly={!isOwn} onChanged={onChanged} />
      {isOwn && <Password />}
      {viewer.secondFactor && <SecondFactor state={viewer.secondFactor} onChanged={onChanged} />}
      <OwnSessions sessions={viewer.sessions} onChanged={onChanged} />
      <Tenants memberId={viewer.memberId} />
    </div>
  );
}

function You({ viewer, isReadOnly, onChanged }: { viewer: Profile; isReadOnly: boolean; onChanged(): void }) {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const save = async (form: FormData) => {
    const name = String(form.get("name")).trim() || null;
    if (!(await submit(UpdateProfileDocument, { name }))) return;
    toast("ok", "Your name was saved.");
    onChanged();
  };
  return (
    <Section title="You">
      <SubmitForm refusal={refusal} onSubmit={(form) => void save(form)}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="Name"
            name="name"
            autoComplete="name"
            maxLength={100}
            defaultValue={viewer.person?.name ?? ""}
            hint="Members of your tenants see it."
            readOnly={isReadOnly}
            problem={refusal.fields.name}
          />
          <Field label="E-mail address" value={viewer.person?.email ?? ""} hint="You sign in with it. It cannot be changed." readOnly />
        </div>
        {!isReadOnly && <Actions label="Save" isBusy={isBusy} />}
      </SubmitForm>
    </Section>
  );
}

function Password() {
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  // Another key empties the fields.
  const [saved, setSaved] = useState(0);
  const save = async (form: FormData) => {
    const input = { currentPassword: String(form.get("currentPassword")), newPassword: String(form.get("newPassword")) };
    if (!(await submit(ChangePasswordDocument, input))) return;
    toast("ok", "The new password is set, and your other sessions were ended.");
    setSaved((count) => count + 1);
  };
  return (
    <Section title="Password" text="Your other sessions end when you change it.">
      <SubmitForm key={saved} refusal={refusal} onSubmit={(form) => void save(form)}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            label="Current password"
            name="currentPassword"
            type="password"
            autoComplete="current-password"
            required
            maxLength={1024}
            problem={refusal.fields.currentPassword}
          />
          <NewPassword problem={refusal.fields.newPassword} />
        </div>
        <Actions label="Change the password" isBusy={isBusy} />
      </SubmitForm>
    </Section>
  );
}
