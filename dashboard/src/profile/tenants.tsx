"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { RemoveMemberDocument } from "@/gql/people-members";
import { useSignOut } from "@/data/use-sign-out";
import { useViewer } from "@/data/viewer";
import { roleName } from "@/people/roles";
import { useSwitchTenant } from "@/shell/account-menu";
import { Ask, type Question } from "@/ui/ask";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/section";

/** The tenants of the viewer, and the way out of the present one. */
export function Tenants({ memberId }: { memberId: string | null }) {
  const studio = useStudio();
  const signOut = useSignOut();
  const viewer = useViewer();
  const switchTenant = useSwitchTenant();
  const [question, setQuestion] = useState<Question | null>(null);
  if (!viewer) return null;
  const ask: Question = {
    title: `Leave ${viewer.tenant.name}?`,
    description: "You lose your access within a second, and need an invitation to come back. If you are in no other tenant, your account is deleted.",
    confirm: "Leave the tenant",
    run: async () => {
      const result = await studio.mutate(RemoveMemberDocument, { input: { id: memberId ?? "" } });
      if (!result.ok) return result;
      await signOut();
      return result;
    },
  };
  return (
    <Section title="Tenants" text="Where you are a member.">
      <ul className="-my-2 divide-y">
        {viewer.memberships.map(({ role, tenant }) => {
          const isCurrent = tenant.id === viewer.tenant.id;
          return (
            <li key={tenant.id} className="flex min-h-14 items-center gap-3 py-2 text-sm">
              <div className="min-w-0 grow">
                <p className="flex flex-wrap items-center gap-x-2 font-medium">
                  {tenant.name}
                  {isCurrent && <Badge tone="ok">Shown now</Badge>}
                </p>
                <p className="text-muted">{roleName(role)}</p>
              </div>
              {isCurrent ? (
                <Button onClick={() => setQuestion(ask)}>Leave…</Button>
              ) : (
                <Button aria-label={`Switch to ${tenant.name}`} onClick={() => void switchTenant(tenant.id)}>
                  Switch
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      <Ask question={question} onClose={() => setQuestion(null)} />
    </Section>
  );
}
