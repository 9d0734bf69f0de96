"use client";

import { Link } from "@/ui/link";
import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { CreateRoleDocument, DeleteRoleDocument, UpdateRoleDocument, type RoleFormFragment, type Scope } from "@/gql/people-roles";
import { problemOf } from "@/data/problem";
import { useMounted } from "@/data/use-mounted";
import { useQueryString } from "@/data/use-query-string";
import { useSubmit } from "@/data/use-submit";
import { useTitle } from "@/data/use-title";
import { useMay, useViewer } from "@/data/viewer";
import { Ask, type Question } from "@/ui/ask";
import { BackLink } from "@/ui/back-link";
import { Button, buttonClass } from "@/ui/button";
import { Check } from "@/ui/check";
import { Field } from "@/ui/field";
import { PageHeader } from "@/ui/page-header";
import { Section } from "@/ui/section";
import { Empty, Failed, Loading, Notice, NoticeButton, Skeleton } from "@/ui/states";
import { Actions, SubmitForm } from "@/ui/submit-form";
import { useToast } from "@/ui/toast";
import { includedIn, roleName, SCOPE_GROUPS, useRoles, withoutIncluded } from "./roles";
import { roleHref } from "./role-list";

const LIST = "/people/?tab=roles";

export function RolePage() {
  const [query] = useQueryString();
  const name = query.get("name");
  const { roles, isLoaded, isReading, error, again } = useRoles();
  const role = roles.find((each) => each.name === name) ?? null;
  const model = roles.find((each) => each.name === query.get("from"));
  const title = role ? roleName(role.name) : name ? "Role" : "New role";
  useTitle(title);
  return (
    <div className="max-w-3xl">
      <BackLink href={LIST}>Roles</BackLink>
      <PageHeader title={title}>{role && <RoleActions role={role} />}</PageHeader>
      {error && !roles.length ? (
        <Failed problem={problemOf(error)} onRetry={again} />
      ) : !isLoaded || (name && !role && isReading) ? (
        <RoleSkeleton />
      ) : name && !role ? (
        <NoRole />
      ) : (
        <RoleForm key={role ? `${role.name} ${role.revision}` : `new ${model?.name}`} role={role} scopes={(role ?? model)?.scopes ?? []} onChanged={again} />
      )}
    </div>
  );
}

const NoRole = () => (
  <Empty icon="people" title="There is no such role">
    <p>It was deleted, or it belongs to another tenant.</p>
    <p className="mt-4">
      <Link href={LIST} className={buttonClass("primary")}>
        Show all roles
      </Link>
    </p>
  </Empty>
);

const RoleSkeleton = () => (
  <Loading what="the role">
    <div className="grid gap-5">
      <Skeleton className="h-40 w-full" />
      <Skeleton className="h-96 w-full" />
    </div>
  </Loading>
);

function RoleActions({ role }: { role: RoleFormFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("ROLES_WRITE");
  const [question, setQuestion] = useState<Question | null>(null);
  if (!mayWrite) return null;
  const { id, name } = role;
  const remove = async () => {
    const result = await studio.mutate(DeleteRoleDocument, { input: { id: id ?? "" } });
    if (!result.ok) return result;
    toast("ok", `The role ${name} was deleted.`);
    return result;
  };
  return (
    <>
      <Link href={`/role/?from=${encodeURIComponent(name)}`} className={buttonClass("secondary")}>
        Use as a model
      </Link>
      {!role.isBuiltIn && (
        <Button
          onClick={() =>
            setQuestion({
              title: `Delete the role ${name}?`,
              description: "It can be deleted only if no member, key, invitation or identity provider has it.",
              confirm: "Delete the role",
              run: remove,
              next: LIST,
            })
          }
        >
          Delete
        </Button>
      )}
      <Ask question={question} onClose={() => setQuestion(null)} />
    </>
  );
}

interface FormProps {
  /** Null for a new role. */
  role: RoleFormFragment | null;
  scopes: readonly Scope[];
  onChanged(): void;
}

function RoleForm({ role, scopes, onChanged }: FormProps) {
  const router = useRouter();
  const isShown = useMounted();
  const toast = useToast();
  const { submit, isBusy, refusal } = useSubmit();
  const { missing } = useRoles();
  const mayWrite = useMay("ROLES_WRITE");
  const [chosen, setChosen] = useState<readonly Scope[]>(() => withoutIncluded(scopes));
  const reason = readOnlyReason(role, mayWrite, role !== null && missing(role.name).length > 0);

  const save = async (form: FormData) => {
    const description = String(form.get("description")).trim() || null;
    if (role) {
      const { id, revision } = role;
      const saved = await submit(UpdateRoleDocument, { id: id ?? "", expectedRevision: revision ?? 0, description, scopes: [...chosen] });
      if (!saved) return;
      toast("ok", `The role ${role.name} was saved.`);
      return onChanged();
    }
    const created = await submit(CreateRoleDocument, { name: String(form.get("name")).trim(), description, scopes: [...chosen] });
    if (!created) return;
    toast("ok", `The role ${created.role.name} was created.`);
    onChanged();
    if (isShown.current) router.replace(roleHref(created.role.name));
  };
  return (
    <SubmitForm refusal={refusal} className="gap-5" onSubmit={(form) => void save(form)}>
      {reason && <Notice tone="info">{reason}</Notice>}
      {refusal.code === "REVISION_CONFLICT" && (
        <Notice tone="warn">
          Another person saved this role meanwhile.{" "}
          <NoticeButton onClick={onChanged}>Show their version</NoticeButton>{" "}
          and discard yours.
        </Notice>
      )}
      <Section title="What it is">
        {!role && (
          <Field
            label="Name"
            name="name"
            hint="Lower-case letters, digits and hyphens. It cannot be changed later."
            autoCapitalize="none"
            spellCheck={false}
            required
            maxLength={63}
            problem={refusal.fields.name}
          />
        )}
        <Field
          label="Description"
          name="description"
          defaultValue={role?.description ?? ""}
          readOnly={Boolean(reason)}
          problem={refusal.fields.description}
        />
      </Section>
      <Section title="What it may do" text="Who may change something may also see it.">
        {refusal.fields.scopes && <p className="text-xs text-bad">{refusal.fields.scopes}</p>}
        <Scopes chosen={chosen} isReadOnly={Boolean(reason)} onChange={setChosen} />
      </Section>
      {!reason && (
        <div data-save-bar className="sticky bottom-0 -mx-1 border-t bg-bg px-1 py-3">
          <Actions label={role ? "Save" : "Create"} isBusy={isBusy} />
        </div>
      )}
    </SubmitForm>
  );
}

function readOnlyReason(role: RoleFormFragment | null, mayWrite: boolean, isGreater: boolean): string {
  if (role?.isBuiltIn) return "Built-in roles cannot be changed. Use one as a model for a role of your own.";
  if (!mayWrite) return "Your role does not include changing roles.";
  return isGreater ? "This role may do more than yours, so you cannot change it." : "";
}

interface ScopesProps {
  chosen: readonly Scope[];
  isReadOnly: boolean;
  onChange(chosen: readonly Scope[]): void;
}

function Scopes({ chosen, isReadOnly, onChange }: ScopesProps) {
  const mine = useViewer()?.scopes;
  const included = new Set(chosen.flatMap(includedIn));
  return (
    <div className="grid gap-x-8 gap-y-5 sm:grid-cols-2">
      {SCOPE_GROUPS.map(({ title, scopes }) => (
        <fieldset key={title} className="grid content-start gap-2">
          <legend className="mb-1.5 text-sm font-medium">{title}</legend>
          {scopes.map(({ scope, text }) => {
            const isIncluded = included.has(scope);
            const isMissing = mine !== undefined && !mine.includes(scope);
            return (
              <Check
                key={scope}
                label={text}
                hint={isMissing && !isReadOnly ? "You lack this permission, so you cannot give it." : undefined}
                checked={isIncluded || chosen.includes(scope)}
                disabled={isReadOnly || isIncluded || isMissing}
                onChange={({ target }) => onChange(target.checked ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
              />
            );
          })}
        </fieldset>
      ))}
    </div>
  );
}
