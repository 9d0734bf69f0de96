"use client";

import { Link } from "@/ui/link";
import { problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Failed } from "@/ui/states";
import { roleName, useRoles } from "./roles";

export const roleHref = (name: string) => `/role/?name=${encodeURIComponent(name)}`;

const NOT_ALLOWED = { title: "You may not see this", text: "Your role does not include reading roles. Ask an owner or an administrator of the tenant." };

export function Roles() {
  const { roles, isLoaded, error, again } = useRoles();
  const mayRead = useMay("ROLES_READ");
  const mayWrite = useMay("ROLES_WRITE");
  if (!mayRead) return <Card><Failed problem={NOT_ALLOWED} /></Card>;
  if (error && !roles.length) return <Card><Failed problem={problemOf(error)} onRetry={again} /></Card>;
  if (!isLoaded) return <ListSkeleton what="roles" />;
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-xl text-sm text-muted">A role is a set of permissions for members and API keys. Changes take effect within a second.</p>
        {mayWrite && (
          <Link href="/role/" className={buttonClass("secondary")}>
            New role
          </Link>
        )}
      </div>
      <Card>
        <ul className="divide-y" aria-label="Roles">
          {roles.map((role) => (
            <li key={role.name} className="relative flex min-h-16 items-center gap-4 px-4 py-3 hover:bg-hover">
              <div className="min-w-0 grow">
                <Link href={roleHref(role.name)} className="text-sm font-medium row-link">
                  {roleName(role.name)}
                </Link>
                <p className="text-sm text-muted">{role.description}</p>
              </div>
              {role.isBuiltIn && <Badge tone="neutral">Built in</Badge>}
              <span className="w-28 shrink-0 text-right text-sm text-muted tabular-nums max-sm:hidden">{role.scopes.length} permissions</span>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}
