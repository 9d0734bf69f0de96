import { Link } from "@/ui/link";
import type { ReactNode } from "react";
import type { AuditRowFragment } from "@/gql/audit";
import { exactMoment } from "@/data/format";
import { Facts } from "@/ui/facts";
import { CopyButton } from "@/ui/shown-once";
import { Notice } from "@/ui/states";
import type { Names } from "./names";
import { fieldsOf, kindOf, valueText } from "./view";

interface Props {
  entry: AuditRowFragment;
  names: Names;
  /** Address of this entry. */
  link: string;
  hrefOf(filter: Record<string, string>): string;
}

/** Everything about an entry, with the values before and after. */
export function Entry({ entry, names, link, hrefOf }: Props) {
  const filter = (changes: Record<string, string>, text: ReactNode) => (
    <Link href={hrefOf(changes)} className="text-accent underline">
      {text}
    </Link>
  );
  const { target, address, action, sessionId, seq, hash } = entry;
  return (
    <div className="grid gap-4 border-t bg-sunken px-4 py-4">
      {entry.erasedAt && <Notice tone="warn">The content of this entry was erased on {exactMoment(entry.erasedAt)}. Its hash is kept.</Notice>}
      <Facts
        facts={[
          ["Time", exactMoment(entry.at)],
          ["Kind", kindOf(entry.kind).label],
          ["By", filter({ actor: entry.actor }, names.actor(entry))],
          ["About", target && (target.id ? filter({ target: target.id }, names.target(entry)) : names.target(entry))],
          ["Action", action && filter({ action }, <code className="font-mono text-[13px]">{action}</code>)],
          ["Address", address && filter({ address }, address)],
          ["Session", sessionId && filter({ session: sessionId }, "All entries of this session")],
          ["Request", entry.requestId && <code className="font-mono text-[13px] break-all">{entry.requestId}</code>],
          ["Number", seq === null ? "not yet chained" : String(seq)],
          ["Hash", hash && <code className="font-mono text-[13px] break-all">{hash}</code>],
        ]}
      />
      <Changes before={fieldsOf(entry.before)} after={fieldsOf(entry.after)} />
      <Details details={fieldsOf(entry.details)} />
      <p>
        <CopyButton text={link} what="The link">
          Copy the link
        </CopyButton>
      </p>
    </div>
  );
}

type Fields = ReturnType<typeof fieldsOf>;

function Changes({ before, after }: { before: Fields; after: Fields }) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  if (!names.length) return null;
  return (
    <div className="overflow-x-auto rounded-lg border bg-surface" tabIndex={0} role="region" aria-label="Values before and after">
      <table className="w-full text-sm">
        <thead>
          <tr className="h-9 border-b text-left text-xs text-muted">
            <th scope="col" className="w-40 px-3 font-medium">Field</th>
            <th scope="col" className="px-3 font-medium">Before</th>
            <th scope="col" className="px-3 font-medium">After</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name} className="border-b align-top last:border-0">
              <th scope="row" className="px-3 py-2 text-left font-mono text-[13px] font-normal">{name}</th>
              <Value fields={before} name={name} />
              <Value fields={after} name={name} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Value = ({ fields, name }: { fields: Fields; name: string }) => (
  <td className="px-3 py-2">
    {name in fields ? (
      <pre className="max-h-60 overflow-auto font-mono text-[13px] break-words whitespace-pre-wrap">{valueText(fields[name])}</pre>
    ) : (
      <span className="text-muted">–</span>
    )}
  </td>
);

function Details({ details }: { details: Fields }) {
  const names = Object.keys(details);
  if (!names.length) return null;
  return (
    <div>
      <p className="mb-2 text-xs font-medium text-muted">Details</p>
      <Facts facts={names.map((name) => [name, <code key={name} className="font-mono text-[13px] whitespace-pre-wrap">{valueText(details[name])}</code>])} />
    </div>
  );
}
