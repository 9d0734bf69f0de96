"use client";

import type { ReactNode } from "react";
import { moment } from "@/data/format";
import { Badge } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import { Time } from "@/ui/time";
import { deviceOf } from "./device";

export interface ShownSession {
  readonly id: string;
  readonly createdAt: string;
  readonly lastUsedAt: string;
  readonly endsAt: string | null;
  readonly userAgent: string | null;
  readonly address: string | null;
  readonly isCurrent: boolean;
  readonly tenant?: { readonly name: string };
}

interface Props<Each extends ShownSession> {
  sessions: readonly Each[];
  /** What can be done to a session. */
  action?(session: Each): ReactNode;
}

export function SessionList<Each extends ShownSession>({ sessions, action }: Props<Each>) {
  if (!sessions.length) return <p className="text-sm text-muted">There is no session.</p>;
  return (
    <ul className="-my-2 divide-y">
      {sessions.map((session) => (
        <li key={session.id} className="flex items-center gap-3 py-3 text-sm">
          <Icon name={session.userAgent?.includes("Mobile") ? "phone" : "system"} className="text-muted" />
          <div className="min-w-0 grow">
            <p className="flex flex-wrap items-center gap-x-2 font-medium" title={session.userAgent ?? undefined}>
              {deviceOf(session.userAgent)}
              {session.isCurrent && <Badge tone="ok">This session</Badge>}
            </p>
            <p className="text-muted">
              {[session.tenant?.name, session.address].filter(Boolean).map((part) => `${part} · `)}
              active <Time at={session.lastUsedAt} isRelative /> · since {moment(session.createdAt)}
              {session.endsAt && ` · ends ${moment(session.endsAt)} at the latest`}
            </p>
          </div>
          {action?.(session)}
        </li>
      ))}
    </ul>
  );
}
