import { Loading, Skeleton } from "./states";

/** Where a table will be. */
export const ListSkeleton = ({ what, rows = 6, columns = 4 }: { what: string; rows?: number; columns?: number }) => (
  <Loading what={what}>
    <div className="overflow-hidden rounded-xl border bg-surface">
      <div className="h-10 border-b bg-sunken" />
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-12 items-center gap-6 border-b px-4 last:border-0">
          {Array.from({ length: columns }, (_, column) => (
            <Skeleton key={column} className="h-4 grow" />
          ))}
        </div>
      ))}
    </div>
  </Loading>
);
