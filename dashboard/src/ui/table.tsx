import { Link } from "./link";
import type { ReactNode } from "react";
import { Card } from "./card";
import { Loading, Skeleton } from "./states";

export interface Column {
  readonly title: string;
  /** From which width of the window the column is shown; at any if omitted. */
  readonly from?: "sm" | "md" | "lg";
  readonly className?: string;
  /** For columns whose cells explain themselves, such as menus. */
  readonly isTitleHidden?: boolean;
}

const FROM = { sm: "hidden sm:table-cell", md: "hidden md:table-cell", lg: "hidden lg:table-cell" };

export function Table({ label, columns, children }: { label: string; columns: readonly Column[]; children: ReactNode }) {
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label={label}>
        <table className="w-full text-sm">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs whitespace-nowrap text-muted">
              {columns.map(({ title, from, className = "", isTitleHidden }) => (
                <th key={title} scope="col" className={`px-3 font-medium first:pl-4 last:pr-4 ${from ? FROM[from] : ""} ${className}`}>
                  {isTitleHidden ? <span className="sr-only">{title}</span> : title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </Card>
  );
}

export const Row = ({ children }: { children: ReactNode }) => (
  <tr className="relative h-12 border-b last:border-0 has-[a]:hover:bg-hover">{children}</tr>
);

export function Cell({ from, className = "", children }: Pick<Column, "from"> & { className?: string; children: ReactNode }) {
  return <td className={`px-3 py-1.5 first:pl-4 last:pr-4 ${from ? FROM[from] : ""} ${className}`}>{children}</td>;
}

/** The link of a row, which makes all of it a target. */
export function RowLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Link href={href} className="block row-link">
      {children}
    </Link>
  );
}

export function TableSkeleton({ what, rows = 5 }: { what: string; rows?: number }) {
  return (
    <Loading what={what}>
      <div className="overflow-hidden rounded-xl border bg-surface">
        <div className="h-10 border-b bg-sunken" />
        {Array.from({ length: rows }, (_, row) => (
          <div key={row} className="flex h-12 items-center gap-6 border-b px-4 last:border-0">
            {["a", "b", "c", "d"].map((column) => (
              <Skeleton key={column} className="h-4 grow" />
            ))}
          </div>
        ))}
      </div>
    </Loading>
  );
}
