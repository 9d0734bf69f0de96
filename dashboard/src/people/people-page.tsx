"use client";

import { useState } from "react";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay, useViewer } from "@/data/viewer";
import { Button } from "@/ui/button";
import { LinkTabs } from "@/ui/link-tabs";
import { PageHeader } from "@/ui/page-header";
import { IdentityProviders } from "./identity-providers";
import { Invitations } from "./invitations";
import { InviteMember } from "./invite-member";
import { Members } from "./members";
import { Roles } from "./role-list";

const TABS = [
  { name: "members", title: "Members", scope: "MEMBERS_READ" },
  { name: "invitations", title: "Invitations", scope: "MEMBERS_READ" },
  { name: "roles", title: "Roles", scope: "ROLES_READ" },
  { name: "providers", title: "Identity providers", scope: "IDENTITY_PROVIDERS_READ" },
] as const;

const hrefOf = (name: string) => (name === "members" ? "/people/" : `/people/?tab=${name}`);

export function PeoplePage() {
  const [query, go] = useQueryString();
  const mayInvite = useMay("MEMBERS_WRITE");
  const scopes = useViewer()?.scopes;
  const [isInviting, setInviting] = useState(false);
  const [invited, setInvited] = useState(0);
  const tab = TABS.find(({ name }) => name === query.get("tab")) ?? TABS[0];
  useTitle(tab.name === "members" ? "People" : tab.title);
  const shown = TABS.filter(({ name, scope }) => !scopes || scopes.includes(scope) || tab.name === name);
  return (
    <>
      <PageHeader title="People">
        {mayInvite && (
          <Button kind="primary" icon="plus" onClick={() => setInviting(true)}>
            Invite a person
          </Button>
        )}
      </PageHeader>
      <LinkTabs label="Parts of People" tabs={shown.map(({ name, title }) => ({ title, href: hrefOf(name), isCurrent: name === tab.name }))} />
      {tab.name === "members" && <Members query={query} />}
      {tab.name === "invitations" && <Invitations key={invited} query={query} />}
      {tab.name === "roles" && <Roles />}
      {tab.name === "providers" && <IdentityProviders />}
      <InviteMember
        open={isInviting}
        onOpenChange={setInviting}
        onInvited={() => setInvited((count) => count + 1)}
        onDone={() => go(new URLSearchParams({ tab: "invitations" }))}
      />
    </>
  );
}
