"use client";

import { useStudio } from "agent-studio-client/react";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { DeleteSecretDocument, SecretsDocument, SetSecretDocument, type SecretRowFragment } from "@/gql/secrets";
import { listText } from "@/data/form-values";
import { listOf } from "@/data/format";
import { problemOf } from "@/data/problem";
import { InvalidField, isSame, useForm } from "@/data/use-form";
import { useMounted } from "@/data/use-mounted";
import { useQueryString } from "@/data/use-query-string";
import { useReadNow } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Check } from "@/ui/check";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Dialog } from "@/ui/dialog";
import { Exists } from "@/ui/exists";
import { Field } from "@/ui/field";
import { Menu, MenuItem } from "@/ui/menu";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed, Notice } from "@/ui/states";
import { Cell, Row, Table, TableSkeleton } from "@/ui/table";
import { Time } from "@/ui/time";
import { useToast } from "@/ui/toast";

/** `?set=` opens the form, of a new secret if there is no name. */
const SET = "set";

export function SecretsPage() {
  useTitle("Secrets");
  const studio = useStudio();
  const toast = useToast();
  const [query, go] = useQueryString();
  const mayWrite = useMay("CREDENTIALS_WRITE");
  const [{ data, error }, again] = useQuery({ query: SecretsDocument, requestPolicy: "cache-and-network" });
  const [deleting, setDeleting] = useState<SecretRowFragment | null>(null);
  const reload = () => again({ requestPolicy: "network-only" });
  const rows = data?.secrets;
  const name = query.get(SET);
  const target = rows?.find((secret) => secret.name === name) ?? null;
  const open = (secret?: SecretRowFragment) => go(new URLSearchParams({ [SET]: secret?.name ?? "" }));
  const close = () => go(new URLSearchParams(), "replace");
  return (
    <>
      <PageHeader title="Secrets">
        {mayWrite && (
          <Button kind="primary" icon="plus" onClick={() => open()}>
            New secret
          </Button>
        )}
      </PageHeader>
      {error && !rows && <Card><Failed problem={problemOf(error)} onRetry={reload} /></Card>}
      {!error && !rows && <TableSkeleton what="secrets" />}
      {rows?.length === 0 && (
        <Card>
          <Empty icon="lock" title="No secrets yet">
            <p>
              Tools send a secret in the headers of their requests, as <code className="font-mono">{"{{secret.crm_token}}"}</code>. Its value is stored encrypted and
              appears in no prompt, log or response.
            </p>
          </Empty>
        </Card>
      )}
      {rows && rows.length > 0 && <SecretTable rows={rows} mayWrite={mayWrite} onSet={open} onDelete={setDeleting} />}
      <Dialog
        open={name !== null && mayWrite && rows !== undefined}
        onOpenChange={(isOpen) => !isOpen && close()}
        title={target ? `Replace ${target.name}` : "New secret"}
        description="The value is stored encrypted and never shown again. The next call uses it."
      >
        <SecretForm
          target={target}
          secrets={rows ?? []}
          onReplace={(secret) => go(new URLSearchParams({ [SET]: secret.name }), "replace")}
          onClose={close}
          onSaved={(saved) => {
            toast("ok", `The secret ${saved} was stored.`);
            reload();
          }}
        />
      </Dialog>
      <ConfirmDelete
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={`Delete the secret ${deleting?.name ?? ""}?`}
        description="Requests of tools that refer to it fail from the next call on. The value cannot be restored."
        confirm="Delete the secret"
        remove={() => studio.mutate(DeleteSecretDocument, { input: { name: deleting?.name ?? "" } })}
        onRemoved={() => {
          toast("ok", `The secret ${deleting?.name ?? ""} was deleted.`);
          reload();
        }}
      />
    </>
  );
}

const COLUMNS = [
  { title: "Name" },
  { title: "Value", from: "sm" },
  { title: "May be sent to" },
  { title: "Last set", from: "md" },
  { title: "Actions", isTitleHidden: true },
] as const;

interface TableProps {
  rows: readonly SecretRowFragment[];
  mayWrite: boolean;
  onSet(secret: SecretRowFragment): void;
  onDelete(secret: SecretRowFragment): void;
}

function SecretTable({ rows, mayWrite, onSet, onDelete }: TableProps) {
  return (
    <Table label="Secrets" columns={COLUMNS}>
      {rows.map((secret) => (
        <Row key={secret.name}>
          <Cell>
            <span className="block font-medium">{secret.name}</span>
            <span className="hidden font-mono text-xs text-muted sm:block">{`{{secret.${secret.name}}}`}</span>
          </Cell>
          <Cell from="sm" className="font-mono text-xs text-muted">
            …{secret.lastFour}
          </Cell>
          <Cell>{secret.hosts?.map((host) => <span key={host} className="block [overflow-wrap:anywhere]">{host}</span>) ?? <Badge tone="warn">Any host</Badge>}</Cell>
          <Cell from="md">
            <Time at={secret.updatedAt} />
          </Cell>
          <Cell className="text-right">
            {mayWrite && (
              <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${secret.name}`} />}>
                <MenuItem icon="refresh" onSelect={() => onSet(secret)}>
                  Replace…
                </MenuItem>
                <MenuItem icon="close" onSelect={() => onDelete(secret)}>
                  Delete…
                </MenuItem>
              </Menu>
            )}
          </Cell>
        </Row>
      ))}
    </Table>
  );
}

interface FormProps {
  target: SecretRowFragment | null;
  secrets: readonly SecretRowFragment[];
  /** Continues as the form of a secret that exists. */
  onReplace(secret: SecretRowFragment): void;
  onClose(): void;
  onSaved(name: string): void;
}

const hostsOf = ({ hosts, isForAnyHost }: { hosts: string; isForAnyHost: boolean }) => (isForAnyHost ? null : listOf(hosts));

const draftOf = (target: SecretRowFragment | null) => ({
  name: target?.name ?? "",
  value: "",
  hosts: listText(target?.hosts ?? []),
  isForAnyHost: target !== null && target.hosts === null,
});

function SecretForm({ target, secrets, onReplace, onClose, onSaved }: FormProps) {
  const studio = useStudio();
  const isShown = useMounted();
  const readNow = useReadNow();
  // What the form began with: another person may change the hosts meanwhile.
  const [base, setBase] = useState(() => draftOf(target));
  const form = useForm(base);
  const { draft, text, check } = form;
  const named = (all: FormProps["secrets"]) => all.find(({ name }) => name === draft.name.trim());
  const existing = target ? undefined : named(secrets);
  const replace = (secret: SecretRowFragment) => {
    const stored = draftOf(secret);
    const mine = isSame(hostsOf(draft), hostsOf(draftOf(null))) ? stored : draft;
    setBase(stored);
    form.setDraft({ ...stored, value: draft.value, hosts: mine.hosts, isForAnyHost: mine.isForAnyHost });
    form.forgetProblems();
    onReplace(secret);
  };
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const saved = await form.submit(async () => {
      if (!target) {
        const now = await readNow(SecretsDocument);
        if (!now.ok) return now;
        if (named(now.value.secrets ?? []))
          throw new InvalidField("name", "A secret of this name exists already. Choose another name, or replace that secret.");
      }
      // Hosts that are not sent stay as they are.
      const hosts = target && isSame(hostsOf(draft), hostsOf(base)) ? {} : { hosts: hostsOf(draft) };
      return studio.mutate(SetSecretDocument, { input: { name: draft.name.trim(), value: draft.value, ...hosts } });
    });
    if (!saved) return;
    onSaved(saved.secret.name);
    if (isShown.current) onClose();
  };
  return (
    <form ref={form.element} className="mt-4 grid gap-4" noValidate onSubmit={(event) => void save(event)}>
      {form.problem && <Notice tone="bad">{form.problem}</Notice>}
      {!target && (
        <Field
          label="Name"
          autoCapitalize="none"
          spellCheck={false}
          hint={`Tools write {{secret.${draft.name.trim() || "crm_token"}}} in their headers.`}
          {...text("name")}
        />
      )}
      {existing && (
        <Exists what={`The secret ${existing.name}`} replace={`Replace ${existing.name}`} onReplace={() => replace(existing)}>
          Tools that use it get the new value from the next call on.
        </Exists>
      )}
      <Field label="Value" type="password" autoComplete="off" {...text("value")} />
      <Check label="It may be sent to any host" {...check("isForAnyHost")} />
      {!draft.isForAnyHost && (
        <Field
          label="Hosts"
          placeholder="api.crm.example, *.crm.example"
          hint="The only hosts that the secret may be sent to. Otherwise anyone who may edit tools could send it to a server of their own."
          autoCapitalize="none"
          spellCheck={false}
          {...text("hosts")}
        />
      )}
      {draft.isForAnyHost && <Notice tone="warn">Anyone who may edit tools can then send the secret to a server of their own.</Notice>}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" busy={form.isBusy}>
          Store
        </Button>
      </div>
    </form>
  );
}
