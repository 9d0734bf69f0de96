"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { InvitationsDocument, WithdrawInvitationDocument, type InvitationRowFragment } from "@/gql/people-invitations";
import { pageOf } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { useMay, useViewer } from "@/data/viewer";
import { Ask, type Question } from "@/ui/ask";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Menu, MenuItem } from "@/ui/menu";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";
import { useToast } from "@/ui/toast";
import { roleName, useRoles } from "./roles";

export function Invitations({ query }: { query: URLSearchParams }) {
  const [{ data, error }, execute] = useRead({ query: InvitationsDocument, variables: pageOf(query), requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const rows = data?.invitations?.edges.map(({ node }) => node);
  if (!rows) return error ? <Card><Failed problem={problemOf(error)} onRetry={again} /></Card> : <ListSkeleton what="invitations" />;
  if (rows.length === 0) return <Card><NoInvitations /></Card>;
  return (
    <>
      <InvitationTable rows={rows} onChanged={again} />
      <Pager path="/people/" query={new URLSearchParams({ tab: "invitations" })} page={data?.invitations?.pageInfo} />
    </>
  );
}

const NoInvitations = () => (
  <Empty icon="send" title="No open invitations">
    An invitation is listed here until it is accepted or withdrawn, or until it expires after seven days.
  </Empty>
);

function InvitationTable({ rows, onChanged }: { rows: readonly InvitationRowFragment[]; onChanged(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const subject = useViewer()?.subject;
  const mayWrite = useMay("MEMBERS_WRITE");
  const { missing } = useRoles();
  const [question, setQuestion] = useState<Question | null>(null);
  const inviter = ({ invitedBy }: InvitationRowFragment) => (invitedBy === subject ? "you" : invitedBy.startsWith("key:") ? "an API key" : "another member");
  const ask = ({ id, email }: InvitationRowFragment) =>
    setQuestion({
      title: `Withdraw the invitation of ${email}?`,
      description: "Its link stops working. You can invite the address again.",
      confirm: "Withdraw the invitation",
      run: async () => {
        const result = await studio.mutate(WithdrawInvitationDocument, { input: { id } });
        if (!result.ok) return result;
        toast("ok", `The invitation of ${email} was withdrawn.`);
        onChanged();
        return result;
      },
    });
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Invitations">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">E-mail address</th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">Role</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Invited</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Expires</th>
              <th scope="col" className="w-12 pr-3">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((invitation) => (
              <tr key={invitation.id} className="h-13 border-b last:border-0">
                <td className="max-w-48 pr-3 pl-4 sm:max-w-72">
                  <span className="block truncate font-medium">{invitation.email}</span>
                  <span className="block text-xs text-muted sm:hidden">{roleName(invitation.role)}</span>
                </td>
                <td className="hidden px-3 sm:table-cell">{roleName(invitation.role)}</td>
                <td className="hidden px-3 lg:table-cell">
                  <Time at={invitation.createdAt} /> by {inviter(invitation)}
                </td>
                <td className="hidden px-3 md:table-cell">
                  <Time at={invitation.expiresAt} isRelative />
                </td>
                <td className="pr-3 text-right">
                  {mayWrite && (
                    <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${invitation.email}`} />}>
                      <MenuItem
                        icon="close"
                        refused={missing(invitation.role).length ? "The role may do more than yours." : undefined}
                        onSelect={() => ask(invitation)}
                      >
                        Withdraw…
                      </MenuItem>
                    </Menu>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Ask question={question} onClose={() => setQuestion(null)} />
    </Card>
  );
}
