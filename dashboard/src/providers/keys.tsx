"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { DeleteCredentialDocument, type CredentialRowFragment } from "@/gql/providers";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Notice } from "@/ui/states";
import { Time } from "@/ui/time";
import { useToast } from "@/ui/toast";
import { TestResult, useKeyTest } from "./key-test";
import { SetKey, type Target } from "./set-key";
import type { Provider } from "./models";

interface Props {
  entry: Provider;
  keys: readonly CredentialRowFragment[] | null;
  reload(): void;
}

/** The tenant's own keys of a provider. */
export function Keys({ entry, keys, reload }: Props) {
  const toast = useToast();
  const studio = useStudio();
  const mayWrite = useMay("CREDENTIALS_WRITE");
  const [setting, setSetting] = useState<Target | null>(null);
  const [deleting, setDeleting] = useState<CredentialRowFragment | null>(null);
  if (!keys) return <Notice tone="info">Your role does not include CREDENTIALS_READ, so the keys of your tenant are not shown.</Notice>;
  const own = keys.filter(({ provider }) => provider === entry.name);
  const hasUnlabelled = own.some(({ label }) => label === null);
  return (
    <section aria-label="Keys" className="grid gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 className="text-base font-semibold">Keys</h2>
        {mayWrite && (
          <Button kind={own.length ? "secondary" : "primary"} icon="plus" onClick={() => setSetting("new")}>
            {own.length ? "Add a key" : "Set a key"}
          </Button>
        )}
      </div>
      {!hasUnlabelled && (
        <p className="text-sm text-muted">
          {entry.hasOperatorKey
            ? "Agents that choose no label use the key of the installation. A key of your own takes its place from the next call on."
            : "Neither your tenant nor the installation has a key that agents without a label could use, so their calls end with PROVIDER_FAILED."}
        </p>
      )}
      {own.length > 0 && (
        <Card>
          <ul>
            {own.map((credential) => (
              <KeyRow
                key={credential.name}
                credential={credential}
                mayWrite={mayWrite}
                onReplace={() => setSetting(credential)}
                onDelete={() => setDeleting(credential)}
              />
            ))}
          </ul>
        </Card>
      )}
      <SetKey
        entry={entry}
        target={setting}
        keys={own}
        onReplace={setSetting}
        onClose={() => setSetting(null)}
        onSaved={() => {
          toast("ok", `The key for ${entry.displayName} was stored. The next call uses it.`);
          reload();
        }}
      />
      <ConfirmDelete
        open={deleting !== null}
        onClose={() => setDeleting(null)}
        title={`Delete the key ${deleting?.label ?? ""} for ${entry.displayName}?`}
        description={
          deleting?.label
            ? `Agents that choose the label ${deleting.label} can no longer use the provider. This cannot be undone.`
            : entry.hasOperatorKey
              ? "The next call uses the key of the installation. The deleted key cannot be restored."
              : "The installation has no key of its own, so the next call cannot use the provider. This cannot be undone."
        }
        confirm="Delete the key"
        remove={() => studio.mutate(DeleteCredentialDocument, { input: { provider: entry.name, label: deleting?.label ?? null } })}
        onRemoved={() => {
          toast("ok", "The key was deleted.");
          reload();
        }}
      />
    </section>
  );
}

interface RowProps {
  credential: CredentialRowFragment;
  mayWrite: boolean;
  onReplace(): void;
  onDelete(): void;
}

function KeyRow({ credential, mayWrite, onReplace, onDelete }: RowProps) {
  const { provider, label, lastFour, baseUrl, region, headerNames, updatedAt, updatedBy } = credential;
  const test = useKeyTest(updatedAt);
  const [problem, setProblem] = useState("");
  const run = async () => {
    setProblem("");
    const result = await test.ask({ provider: provider ?? "", label });
    if (!result.ok) setProblem(messageOf(result.error));
  };
  return (
    <li className="border-b p-4 text-sm last:border-0">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 grow">
          <p className="font-medium">
            {label ?? "Used unless an agent chooses a label"} {lastFour && <span className="font-mono text-xs font-normal text-muted">…{lastFour}</span>}
          </p>
          <p className="text-xs text-muted">
            Set <Time at={updatedAt} /> by {updatedBy.startsWith("key:") ? "an API key" : "a member"}
          </p>
          {(baseUrl ?? region) && <p className="mt-1 font-mono text-xs break-all">{baseUrl ?? `Region ${region}`}</p>}
          {headerNames.length > 0 && <p className="mt-1 text-xs text-muted">Sends the headers {headerNames.join(", ")}.</p>}
        </div>
        {mayWrite && (
          <div className="flex flex-wrap gap-2">
            <Button icon="refresh" busy={test.isBusy} onClick={() => void run()}>
              Test
            </Button>
            <Button onClick={onReplace}>Replace</Button>
            <Button onClick={onDelete}>Delete</Button>
          </div>
        )}
      </div>
      {problem && <div className="mt-3"><Notice tone="bad">{problem}</Notice></div>}
      <TestResult tested={test.tested} />
    </li>
  );
}
