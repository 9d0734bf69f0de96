import { Suspense } from "react";
import { PeoplePage } from "@/people/people-page";

export default function Page() {
  return (
    <Suspense>
      <PeoplePage />
    </Suspense>
  );
}
