"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { MemberDocument, MemberSessionsDocument, type MemberRowFragment } from "@/gql/people-members";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay, useViewer } from "@/data/viewer";
import { SessionList } from "@/profile/session-list";
import { BackLink } from "@/ui/back-link";
import { Button, buttonClass } from "@/ui/button";
import { Facts } from "@/ui/facts";
import { PageHeader } from "@/ui/page-header";
import { Section } from "@/ui/section";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { MemberMenu } from "./member-menu";
import { MemberState } from "./members";
import { roleName } from "./roles";

export function MemberPage() {
  const [query] = useQueryString();
  const id = query.get("id") ?? "";
  const [{ data, error }, execute] = useRead({ query: MemberDocument, variables: { id }, pause: !id, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const member = data?.node?.__typename === "Member" ? data.node : null;
  useTitle(member ? (member.name ?? member.email) : "Member");
  return (
    <div className="max-w-3xl">
      <BackLink href="/people/">Members</BackLink>
      {member ? (
        <Member member={member} onChanged={again} />
      ) : (
        <>
          <PageHeader title="Member" />
          {error ? <Failed problem={problemOf(error)} onRetry={again} /> : id && !data ? <MemberSkeleton /> : <NoMember />}
        </>
      )}
    </div>
  );
}

const NoMember = () => (
  <Empty icon="people" title="There is no such member">
    <p>They were removed, or they belong to another tenant.</p>
    <p className="mt-4">
      <Link href="/people/" className={buttonClass("primary")}>
        Show all members
      </Link>
    </p>
  </Empty>
);

const MemberSkeleton = () => (
  <Loading what="the member">
    <div className="grid gap-5">
      <Skeleton className="h-52 w-full" />
      <Skeleton className="h-40 w-full" />
    </div>
  </Loading>
);

function Member({ member, onChanged }: { member: MemberRowFragment; onChanged(): void }) {
  const mayWrite = useMay("MEMBERS_WRITE");
  const maySeeLog = useMay("AUDIT_READ");
  const isMe = useViewer()?.person?.email === member.email;
  const id = encodeURIComponent(member.id);
  return (
    <>
      <PageHeader title={member.name ?? member.email}>
        {isMe && (
          <Link href="/profile/" className={buttonClass("secondary")}>
            Your profile
          </Link>
        )}
        {mayWrite && !isMe && (
          <MemberMenu member={member} onChanged={onChanged} list="/people/" trigger={<Button icon="down">Actions</Button>} />
        )}
      </PageHeader>
      <div className="grid gap-5">
        <Section title="Membership">
          <Facts
            facts={[
              ["E-mail address", member.email],
              ["Role", `${roleName(member.role)}${member.managedBy ? `, set by ${member.managedBy} at each sign-in` : ""}`],
              ["State", <MemberState key="state" member={member} />],
              ["Suspended", member.suspendedAt && <Time at={member.suspendedAt} />],
              ["Member since", <Time key="since" at={member.createdAt} />],
              ["Last active", <Time key="active" at={member.lastUsedAt} none="Never" isRelative />],
            ]}
          />
          {maySeeLog && (
            <p className="flex flex-wrap gap-2">
              <Link href={`/audit/?actor=${id}`} className={buttonClass("secondary")}>
                What they did
              </Link>
              <Link href={`/audit/?target=${id}`} className={buttonClass("secondary")}>
                What was changed about them
              </Link>
            </p>
          )}
        </Section>
        {mayWrite && <Sessions id={member.id} />}
      </div>
    </>
  );
}

function Sessions({ id }: { id: string }) {
  const [{ data, error }, execute] = useQuery({ query: MemberSessionsDocument, variables: { id }, requestPolicy: "cache-and-network" });
  const sessions = data?.node?.__typename === "Member" ? data.node.sessions : null;
  return (
    <Section title="Sessions" text="Where the member is signed in to this tenant.">
      {error && !sessions && <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />}
      {!error && !sessions && <Skeleton className="h-16 w-full" />}
      {sessions && <SessionList sessions={sessions} />}
    </Section>
  );
}
