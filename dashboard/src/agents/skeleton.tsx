import { Loading, Skeleton } from "@/ui/states";

export const FormSkeleton = () => (
  <Loading what="the agent">
    <div className="grid gap-x-8 gap-y-5 lg:grid-cols-[9.5rem_minmax(0,48rem)]">
      <Skeleton className="h-11 w-full lg:h-72" />
      <div className="grid gap-5">
        <Skeleton className="h-60 w-full" />
        <Skeleton className="h-[40rem] w-full" />
        <Skeleton className="h-96 w-full" />
      </div>
    </div>
  </Loading>
);
