"use client";

import { Link } from "@/ui/link";
import { MembersDocument, type MemberRowFragment } from "@/gql/people-members";
import { pageOf } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { useMay, useViewer } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";
import { MemberMenu } from "./member-menu";
import { roleName } from "./roles";

export const memberHref = (id: string) => `/member/?id=${encodeURIComponent(id)}`;

export function MemberState({ member }: { member: MemberRowFragment }) {
  return member.suspendedAt ? <Badge tone="warn">Suspended</Badge> : <Badge tone="ok">Active</Badge>;
}

export function Members({ query }: { query: URLSearchParams }) {
  const [{ data, error }, execute] = useRead({ query: MembersDocument, variables: pageOf(query), requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const rows = data?.members?.edges.map(({ node }) => node);
  if (!rows) return error ? <Card><Failed problem={problemOf(error)} onRetry={again} /></Card> : <ListSkeleton what="members" />;
  if (rows.length === 0) return <Card><NoMembers /></Card>;
  return (
    <>
      <MemberTable rows={rows} onChanged={again} />
      <Pager path="/people/" query={new URLSearchParams()} page={data?.members?.pageInfo} />
    </>
  );
}

const NoMembers = () => (
  <Empty icon="people" title="No members yet">
    Only API keys have access so far. Invite a person, who then signs in with a password or with single sign-on.
  </Empty>
);

function MemberTable({ rows, onChanged }: { rows: readonly MemberRowFragment[]; onChanged(): void }) {
  const email = useViewer()?.person?.email;
  const mayWrite = useMay("MEMBERS_WRITE");
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Members">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Name</th>
              <th scope="col" className="px-3 font-medium">Role</th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">State</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Last active</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Member since</th>
              <th scope="col" className="w-12 pr-3">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((member) => (
              <tr key={member.id} className="relative h-13 border-b last:border-0 hover:bg-hover">
                <td className="max-w-48 pr-3 pl-4 sm:max-w-72">
                  <Link href={memberHref(member.id)} className="block row-link">
                    <span className="block truncate font-medium">
                      {member.name ?? member.email}
                      {member.email === email && " (you)"}
                    </span>
                    {member.name && <span className="block truncate text-xs text-muted">{member.email}</span>}
                  </Link>
                </td>
                <td className="px-3">
                  {roleName(member.role)}
                  {member.managedBy && <span className="block text-xs text-muted">set by {member.managedBy}</span>}
                  {member.suspendedAt && <span className="block text-xs text-warn sm:hidden">Suspended</span>}
                </td>
                <td className="hidden px-3 sm:table-cell">
                  <MemberState member={member} />
                </td>
                <td className="hidden px-3 md:table-cell">
                  <Time at={member.lastUsedAt} none="Never" isRelative />
                </td>
                <td className="hidden px-3 lg:table-cell">
                  <Time at={member.createdAt} />
                </td>
                <td className="relative pr-3 text-right">
                  {mayWrite && member.email !== email && (
                    <MemberMenu
                      member={member}
                      onChanged={onChanged}
                      trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${member.name ?? member.email}`} />}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
