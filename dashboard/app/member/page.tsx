import { Suspense } from "react";
import { MemberPage } from "@/people/member-page";

export default function Page() {
  return (
    <Suspense>
      <MemberPage />
    </Suspense>
  );
}
