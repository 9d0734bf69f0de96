import { Loading, Skeleton } from "@/ui/states";

export function BuilderSkeleton() {
  return (
    <Loading what="the workflow">
      <div className="grid gap-3 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <Skeleton className="h-[55dvh] w-full lg:h-[70dvh]" />
        <Skeleton className="h-[55dvh] w-full lg:h-[70dvh]" />
      </div>
    </Loading>
  );
}
